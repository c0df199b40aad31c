// Package openapi reads an OpenAPI 3.0 document for display: in the order of the
// document, with references resolved.
//
// It must never validate a document: the server that serves it does. Start reading at
// Parse.
package openapi
