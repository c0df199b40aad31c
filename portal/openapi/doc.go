// Package openapi reads the description of an API, in OpenAPI 3.0, as far as people
// want to read it: in the order of its author, with every reference followed.
//
// It must never judge a document: whether one is valid is known where it is served.
// Start reading at Parse.
package openapi
