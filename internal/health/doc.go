// Package health answers operators and their probes: whether the process is alive,
// whether it can work, and its metrics.
//
// It must never show anything about a user, a client or a bank's customer, because its
// addresses need no token. Start reading at Register.
package health
