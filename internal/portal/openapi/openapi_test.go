package openapi_test

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/oxlin/oxlin/internal/portal/openapi"
)

func read(t *testing.T) (*openapi.Document, []byte) {
	t.Helper()
	text, err := os.ReadFile("../../api/openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	document, err := openapi.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return document, text
}

func TestEverythingIsReadThatAnotherReaderFinds(t *testing.T) {
	document, text := read(t)
	other, err := openapi3.NewLoader().LoadFromData(text)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]*openapi.Operation{}
	for _, tag := range document.Tags {
		for _, operation := range document.Operations(tag.Name) {
			found[operation.Method+" "+operation.Path] = operation
		}
	}
	count := 0
	for path, item := range other.Paths.Map() {
		for method, want := range item.Operations() {
			count++
			got := found[method+" "+path]
			if got == nil {
				t.Errorf("%s %s is missing", method, path)
				continue
			}
			if got.ID != want.OperationID || got.Summary != want.Summary || got.Description != want.Description {
				t.Errorf("%s %s is another: %s", method, path, got.ID)
			}
			if len(got.Parameters) != len(want.Parameters)+len(item.Parameters) {
				t.Errorf("%s has %d parameters", got.ID, len(got.Parameters))
			}
			for _, parameter := range got.Parameters {
				if parameter.Name == "" || parameter.Schema == nil {
					t.Errorf("%s has a parameter without a name or a form", got.ID)
				}
			}
			if (got.RequestBody == nil) != (want.RequestBody == nil) || len(got.Responses) != want.Responses.Len() {
				t.Errorf("%s has another body, or other answers", got.ID)
			}
			for _, response := range got.Responses {
				if response.Value.Description == "" {
					t.Errorf("%s does not say what %s means", got.ID, response.Name)
				}
			}
			_, public := got.Scopes()
			if public != (want.Security != nil && len(*want.Security) == 0) {
				t.Errorf("%s is public: %t", got.ID, public)
			}
		}
	}
	if count != len(found) {
		t.Errorf("%d operations are read, there are %d", len(found), count)
	}
	if len(document.Components.Schemas) != len(other.Components.Schemas) {
		t.Errorf("%d schemas are read, there are %d", len(document.Components.Schemas), len(other.Components.Schemas))
	}
	for _, member := range document.Components.Schemas {
		want := other.Components.Schemas[member.Name].Value
		if len(member.Value.Properties) != len(want.Properties) {
			t.Errorf("%s has %d members", member.Name, len(member.Value.Properties))
		}
		if example := document.Example(member.Value); example != "" && !json.Valid([]byte(example)) {
			t.Errorf("the example of %s is no JSON:\n%s", member.Name, example)
		}
	}
}

func TestTheOrderIsTheAuthors(t *testing.T) {
	document, _ := read(t)
	var names []string
	for _, operation := range document.Operations("users") {
		names = append(names, operation.ID)
	}
	want := []string{"createUser", "getUser", "changeUser", "putUser", "deleteUser", "setPassword", "endSessions"}
	if !slices.Equal(names, want) {
		t.Errorf("got %v, want %v", names, want)
	}
	transaction, _ := document.Schema("Transaction")
	example := document.Example(transaction)
	if !strings.HasPrefix(example, "{\n  \"id\": \"4002\",\n  \"currency\": \"EUR\"") || !strings.Contains(example, `"amount": -79.99`) {
		t.Errorf("the example has lost its order or a digit:\n%s", example)
	}
}

func TestExamplesArePutTogether(t *testing.T) {
	document, err := openapi.Parse([]byte(`
components:
  schemas:
    Tree: {type: object, properties: {name: {type: string, example: oak}, branches: {type: array, items: {$ref: "#/components/schemas/Tree"}}}}
    More: {allOf: [{$ref: "#/components/schemas/Tree"}], description: again}
    Named: {allOf: [{$ref: "#/components/schemas/Tree"}, {type: object, required: [kind], properties: {kind: {type: string, enum: [a, b]}}}]}
`))
	if err != nil {
		t.Fatal(err)
	}
	more, _ := document.Schema("More")
	if more.Target() != "Tree" || document.Describe(more) != "again" {
		t.Errorf("%q is said of %q", document.Describe(more), more.Target())
	}
	named, _ := document.Schema("Named")
	fields := document.Fields(named)
	if len(fields) != 3 || fields[2].Name != "kind" || !fields[2].Required || fields[0].Required {
		t.Errorf("the fields are %+v", fields)
	}
	example := document.Example(named)
	if !json.Valid([]byte(example)) || !strings.HasPrefix(example, "{\n  \"name\": \"oak\",") || !strings.HasSuffix(example, "\"kind\": \"a\"\n}") {
		t.Errorf("the example is\n%s", example)
	}
}

func TestAReferenceThatLeadsNowhere(t *testing.T) {
	_, err := openapi.Parse([]byte(`
paths:
  /a: {get: {parameters: [{$ref: "#/components/parameters/none"}]}}
`))
	if err == nil || !strings.Contains(err.Error(), "none") {
		t.Errorf("got %v", err)
	}
	_, err = openapi.Parse([]byte("paths: [1]"))
	if err == nil {
		t.Error("a list is no mapping")
	}
}
