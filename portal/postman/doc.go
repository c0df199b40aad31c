// Package postman makes a Postman collection, and an environment for it, of the API's
// OpenAPI document: the steps of the quickstart, the three ways to a token, and every
// operation with an example. Bytes come in, bytes go out.
//
// It must never hold a secret: what is secret is a variable that the reader fills in.
// Start reading at Collection.
package postman
