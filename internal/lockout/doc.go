// Package lockout limits how often passwords are tried, so that nobody guesses one, and
// nobody keeps another person out by guessing.
//
// A Try is one attempt of a stranger, a known device, the end user of a client that has
// proved its secret, or a signed-in user. Strangers share one count for each
// account, whether or not the account exists. The others have counts of their own, which no
// stranger can reach. A device is known by a signed cookie (Devices), which it gets when the
// right password comes from it; see OWASP, "Slow Down Online Guessing Attacks with Device
// Cookies".
//
// The package must never see a password, and never tell a caller whether an account
// exists. Start reading at Guard.Check.
package lockout
