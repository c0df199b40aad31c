// Package api is the REST API v2.1. HTTP requests come in, and go out as calls of
// the use cases in synchro or as reads of the store; what they give is written as
// the contract's JSON.
//
// openapi.yaml is the source: package oas is generated from it, so that what the
// document says about parameters, bodies and scopes is what the server does.
//
// It must never decide anything about banks, connections or accounts, speak to a
// bank, or write to the log what a token, a body or a query holds. Start reading
// at api.go for the way of a request, at contract.go for the shapes.
package api

//go:generate go tool -modfile=../tools/go.mod ogen --config ogen.yml --package oas --target oas --clean openapi.yaml
