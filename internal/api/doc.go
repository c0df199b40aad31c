// Package api is the REST API v2.1, and v3 as another form of it. It turns HTTP requests into calls of the use cases
// in connect and reads of the store, and writes the results as the contract's JSON.
//
// openapi.yaml is the source: package oas is generated from it, so that the server
// enforces the parameters, bodies and scopes that the document describes.
//
// It must never decide anything about banks, connections or accounts, call a bank, or
// log the contents of tokens, bodies or queries. Start reading at api.go for the way of
// a request, at contract.go for the JSON.
package api

//go:generate go run ./generate openapi.yaml openapi.gen.yaml
//go:generate go tool -modfile=../../tools/go.mod ogen --config ogen.yml --package oas --target oas --clean openapi.gen.yaml
//go:generate rm openapi.gen.yaml
//go:generate go run ./generate oas/oas_response_encoders_gen.go
