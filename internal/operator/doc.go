// Package operator holds the accounts of the console: their roles, their
// passwords, their second factors and their sessions.
//
// A sign-in has two stages. The right password begins a session that opens nothing
// (SignIn); the second factor replaces it with a complete one (Finish). A session ends at
// logout, with a new password, when the operator is disabled, after half an hour without a
// request and after eight hours. Wrong passwords are counted by package lockout.
//
// The package must never store a token or a recovery code, only their hashes, and never tell
// a caller whether an operator exists. Start reading at signin.go.
package operator
