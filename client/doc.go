// Package client is the API v2.1 for Go programs. An Application gives tokens, which
// renew themselves; New takes them and makes a Client, which has a typed method for
// every operation; whatever the platform refuses comes back as an *Error.
//
// The methods and their types are generated from api/openapi.yaml. Written by hand is
// what a document cannot say: reading all pages of a list, waiting for a connection,
// encrypting what a user typed. An operation that exists under two names is here once.
//
// It must never know more of the platform than the contract says, and never write to
// a log: what it carries are the users' secrets. Start reading at the example, then at
// New and Application.
package client

//go:generate go run ./generate ../api/openapi.yaml openapi.gen.yaml values_gen.go
//go:generate go tool -modfile=../tools/go.mod ogen --config ogen.yml --package client --target . --clean openapi.gen.yaml
//go:generate rm openapi.gen.yaml
