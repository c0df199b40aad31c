// Command generate writes the API's document as its Go client wants it. The document
// says all that the server takes and answers; a client needs one way to do a thing.
//
// It must never change what a value means on the wire. Start reading at simplify.
package main

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

func main() {
	err := run(os.Args[1], os.Args[2])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(from, to string) error {
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	var document map[string]any
	err = yaml.Unmarshal(text, &document)
	if err != nil {
		return err
	}
	simplify(document)
	text, err = yaml.Marshal(document)
	if err != nil {
		return err
	}
	return os.WriteFile(to, text, 0o644)
}

type object = map[string]any

// amount keeps numbers exact.
var amount = object{"type": "number", "x-ogen-type": "github.com/oxlin/oxlin.Amount"}

// plain are schemas that need no Go type of their own. The first of them a request
// may write in several ways; the client writes them in one.
var plain = map[string]object{
	"ID":              {"type": "string"},
	"Flag":            {"type": "boolean"},
	"Seconds":         {"type": "integer", "format": "int64"},
	"AmountIn":        amount,
	"Amount":          amount,
	"Rate":            amount,
	"CredentialValue": {"type": "string"},
}

// names shortens the ids that the contract gives to operations.
var names = map[string]string{
	"getConnectionsUsingGET":    "getConnections",
	"getConnectionByIdUsingGET": "getConnection",
	"createAuthorizeUrl":        "createAuthorizeURL",
}

// synonyms are operations that do what another does.
var synonyms = []string{"putUser", "putAccount", "putConnection", "createAuthorizeUrlByChannel"}

// simplify also leaves out what the door of the client does for all operations
// alike: tokens, which the HTTP client adds, and errors, which are of one type.
func simplify(document object) {
	components := document["components"].(object)
	delete(components, "securitySchemes")
	responses := components["responses"].(object)
	delete(responses, "Error")
	for _, created := range []string{"Created", "BankAddress"} {
		delete(responses[created].(object), "content") // its header says it all
	}
	schemas := components["schemas"].(object)
	delete(schemas, "Error")
	delete(schemas, "Nothing")
	widget := schemas["WidgetParameters"].(object)["properties"].(object)
	widget["countries"] = object{"type": "array", "items": object{"type": "string"}}
	for _, item := range document["paths"].(object) {
		simplifyPath(item.(object))
	}
	inline(document)
}

func simplifyPath(item object) {
	for method, member := range item {
		operation, ok := member.(object)
		if !ok {
			continue
		}
		id := operation["operationId"].(string)
		if slices.Contains(synonyms, id) {
			delete(item, method)
			continue
		}
		name, renamed := names[id]
		if renamed {
			operation["operationId"] = name
		}
		delete(operation, "security")
		delete(operation["responses"].(object), "default")
	}
}

// inline puts the plain schemas where they are referred to.
func inline(node any) {
	switch node := node.(type) {
	case []any:
		for _, element := range node {
			inline(element)
		}
	case object:
		reference, _ := node["$ref"].(string)
		schema, found := plain[strings.TrimPrefix(reference, "#/components/schemas/")]
		if found {
			delete(node, "$ref")
			for key, value := range schema {
				node[key] = value
			}
		}
		all, _ := node["allOf"].([]any)
		for _, member := range node {
			inline(member)
		}
		// A description beside one schema is all that such a list is for.
		if len(all) == 1 {
			delete(node, "allOf")
			for key, value := range all[0].(object) {
				node[key] = value
			}
		}
	}
}
