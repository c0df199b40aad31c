// Package ops answers those who run the platform: whether the process lives,
// whether it is ready for work, and what it counts. It also keeps plain HTTP out.
//
// It must never show anything about a user, a client or a bank's customer: its
// addresses ask for no token. Start reading at Register and HTTPS.
package ops
