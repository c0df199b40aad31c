// Package auth is the authorization server (contract §2): it signs clients and
// users in, gives out tokens, and says what a token grants.
//
// Requests come in over HTTP (Server.Register); the API asks Server.Authenticate
// about every bearer token. The protocol is carried by ory/fosite, which nobody
// outside of this package sees. The package must never keep a token or a secret of
// a client, only their hashes, and never tell a caller why a sign-in failed.
//
// Start reading at server.go, then token.go for one request from its body to its
// answer. storage.go, session.go, strategy.go and client.go are what fosite asks of us.
package auth
