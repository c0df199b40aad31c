// Package client calls the API v2.1 from Go programs. An Application returns token
// sources that renew themselves; New takes one and returns a Client with a typed method
// for every operation; every refusal of the platform is an *Error.
//
// The methods and their types are generated from api/openapi.yaml. The hand-written
// part does the work that a document cannot describe: reading all pages of a list,
// waiting for a connection, encrypting a user's input. An operation that exists under
// two names has one method.
//
// The package must never depend on more than the contract, and never write to a log,
// because its requests carry users' secrets. Start reading at the example, then at New
// and Application.
package client

//go:generate go run ./generate ../internal/api/openapi.yaml openapi.gen.yaml values_gen.go
//go:generate go tool -modfile=../tools/go.mod ogen --config ogen.yml --package client --target . --clean openapi.gen.yaml
//go:generate rm openapi.gen.yaml
