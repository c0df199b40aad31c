// Package auth is the authorization server (contract §2): it authenticates clients
// and users, issues tokens, and tells the API what a token grants.
//
// Requests come in over HTTP (Server.Register); the API calls Server.Authenticate
// for every bearer token. The package must never store a token or a client's secret,
// only their hashes, and never tell a caller why a sign-in failed.
//
// Start reading at token.go, which takes a request for tokens from its body to its
// response. Each grant type has a file: authorization_code.go, client_credentials.go,
// password.go and refresh_token.go. issue.go stores the new tokens, signin.go is
// the page where users get a code, and account.go the page where they see and end
// sign-ins. A comment that cites an RFC marks the place where its rule is kept;
// rfc_test.go has a test for each.
package auth
