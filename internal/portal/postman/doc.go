// Package postman generates a Postman collection and an environment from the API's
// OpenAPI document: the steps of the quickstart, three ways to get a token, and every
// operation with an example. It neither reads nor writes files.
//
// It must never contain a secret: secrets are variables that the reader fills in. Start
// reading at Collection.
package postman
