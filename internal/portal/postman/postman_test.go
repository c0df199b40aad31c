package postman_test

import (
	"bytes"
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/oxlin/oxlin/internal/portal/postman"
)

// The subset of Postman's format 2.1 that the collection uses. A member that is missing
// here is an error.
type (
	collection struct {
		Info struct {
			Name, Description, Version, Schema string
		}
		Auth     *auth
		Item     []item
		Variable []field
	}
	item struct {
		Name        string
		Description string
		Item        []item
		Event       []event
		Request     *request
	}
	request struct {
		Method      string
		Description string
		Auth        *auth
		Header      []field
		Body        *body
		URL         address `json:"url"`
	}
	auth struct {
		Type   string
		Bearer []field
		Basic  []field
	}
	address struct {
		Raw        string
		Host, Path []string
		Query      []field
		Variable   []field
	}
	body struct {
		Mode       string
		Raw        string
		URLEncoded []field
		Options    struct{ Raw struct{ Language string } }
	}
	event struct {
		Listen string
		Script struct {
			Type string
			Exec []string
		}
	}
	field struct {
		Key         *string
		Value       *string
		Description string
		Type        string
		Disabled    bool
	}
)

func (f field) is(key string) bool { return *f.Key == key }

func read(t *testing.T, text []byte) collection {
	t.Helper()
	written, err := postman.Collection(text)
	if err != nil {
		t.Fatal(err)
	}
	var c collection
	decoder := json.NewDecoder(bytes.NewReader(written))
	decoder.DisallowUnknownFields()
	err = decoder.Decode(&c)
	if err != nil {
		t.Fatalf("the collection is not of the format: %v", err)
	}
	return c
}

func document(t *testing.T) []byte {
	t.Helper()
	text, err := os.ReadFile("../../api/openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Replace(text, []byte("- url: /v2.1"), []byte("- url: https://oxlin.example/v2.1"), 1)
}

var used = regexp.MustCompile(`{{(\w+)}}`)

func TestTheCollectionIsOfPostmansFormat(t *testing.T) {
	c := read(t, document(t))
	if c.Info.Name == "" || c.Info.Schema != "https://schema.getpostman.com/json/collection/v2.1.0/collection.json" {
		t.Errorf("the collection says that it is %q of %q", c.Info.Name, c.Info.Schema)
	}
	for _, variable := range c.Variable {
		if variable.Key == nil || *variable.Key == "" || variable.Value == nil || variable.Type != "" {
			t.Errorf("a variable is %+v", variable)
		}
	}
	for _, folder := range c.Item {
		if folder.Name == "" || len(folder.Item) == 0 || folder.Request != nil || folder.Event != nil {
			t.Errorf("%q is no folder", folder.Name)
		}
		for _, one := range folder.Item {
			checkRequest(t, c, one)
		}
	}
}

func checkRequest(t *testing.T, c collection, one item) {
	r := one.Request
	if one.Name == "" || r == nil || one.Item != nil || len(one.Event) == 0 {
		t.Fatalf("%q is no request with a script", one.Name)
	}
	for i, script := range one.Event {
		listens := script.Listen == "test" && i == 0 || script.Listen == "prerequest" && i > 0
		if !listens || script.Script.Type != "text/javascript" || len(script.Script.Exec) == 0 {
			t.Errorf("%s: the script is %+v", one.Name, script)
		}
	}
	for _, a := range []*auth{r.Auth, c.Auth} {
		if a != nil && (a.Type == "bearer") != (len(a.Bearer) == 1) || a != nil && (a.Type == "basic") != (len(a.Basic) == 2) {
			t.Errorf("%s: the authentication is %+v", one.Name, a)
		}
	}
	if r.Body != nil && (r.Body.Mode == "raw" && !json.Valid([]byte(r.Body.Raw)) || r.Body.Mode == "urlencoded" && len(r.Body.URLEncoded) == 0) {
		t.Errorf("%s: the body is %+v", one.Name, r.Body)
	}
	plain, _, _ := strings.Cut(r.URL.Raw, "?")
	if plain != strings.Join(r.URL.Host, ".")+"/"+strings.Join(r.URL.Path, "/") {
		t.Errorf("%s: the address is %+v", one.Name, r.URL)
	}
	for _, segment := range r.URL.Path {
		name, variable := strings.CutPrefix(segment, ":")
		if variable && !slices.ContainsFunc(r.URL.Variable, func(f field) bool { return f.is(name) }) {
			t.Errorf("%s: the address has no value for %s", one.Name, name)
		}
	}
	for _, fields := range [][]field{r.Header, r.URL.Query, r.URL.Variable} {
		for _, f := range fields {
			if f.Key == nil || *f.Key == "" || f.Value == nil {
				t.Errorf("%s: a field is %+v", one.Name, f)
			}
		}
	}
	written, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range used.FindAllSubmatch(written, -1) {
		if !slices.ContainsFunc(c.Variable, func(f field) bool { return f.is(string(name[1])) }) {
			t.Errorf("%s: nothing says what %s is", one.Name, name[0])
		}
	}
}

func TestEveryOperationIsInTheFolderOfItsTag(t *testing.T) {
	text := document(t)
	c := read(t, text)
	described, err := openapi3.NewLoader().LoadFromData(text)
	if err != nil {
		t.Fatal(err)
	}
	braces := regexp.MustCompile(`{(\w+)}`)
	for path, entry := range described.Paths.Map() {
		for method, operation := range entry.Operations() {
			folder := c.folder(t, operation.Tags[0])
			want := strings.TrimPrefix(braces.ReplaceAllString(path, ":$1"), "/")
			found := slices.ContainsFunc(folder.Item, func(one item) bool {
				return one.Request.Method == method && strings.Join(one.Request.URL.Path, "/") == want
			})
			if !found {
				t.Errorf("%s %s is not in the folder %s", method, path, operation.Tags[0])
			}
		}
	}
}

func (c collection) folder(t *testing.T, name string) item {
	t.Helper()
	for _, folder := range c.Item {
		if folder.Name == name {
			return folder
		}
	}
	t.Fatalf("there is no folder %s", name)
	return item{}
}

// promised are the variables that the quickstart document names.
var promised = []string{"client_id", "client_secret", "user_email", "user_password"}

func TestWhatTheReaderFillsInIsEmpty(t *testing.T) {
	c := read(t, document(t))
	for _, name := range promised {
		i := slices.IndexFunc(c.Variable, func(f field) bool { return f.is(name) })
		if i < 0 || c.Variable[i].Value == nil || *c.Variable[i].Value != "" {
			t.Errorf("the variable %s is missing or has a value", name)
		}
	}
}

func TestTheEnvironmentHasThePromisedVariablesAndTheAddresses(t *testing.T) {
	written, err := postman.Environment(document(t), map[string]string{"client_id": "sandbox", "unknown": "1"})
	if err != nil {
		t.Fatal(err)
	}
	var environment struct {
		Name   string
		Values []struct {
			Key, Value, Type string
			Enabled          bool
		}
		Scope string `json:"_postman_variable_scope"`
	}
	err = json.Unmarshal(written, &environment)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, value := range environment.Values {
		if !value.Enabled || (value.Type == "secret") != (value.Key == "client_secret" || value.Key == "user_password") {
			t.Errorf("a value is %+v", value)
		}
		got = append(got, value.Key+"="+value.Value)
	}
	want := []string{
		"client_id=sandbox", "client_secret=", "user_email=", "user_password=",
		"auth_url=https://oxlin.example", "api_url=https://oxlin.example/v2.1", "embed_url=https://oxlin.example",
	}
	if !slices.Equal(got, want) || environment.Scope != "environment" || environment.Name == "" {
		t.Errorf("the environment %q has %q, want %q", environment.Name, got, want)
	}
}

func TestWhatIsNoDocumentIsAnError(t *testing.T) {
	for name, text := range map[string]string{
		"not YAML": "{", "another document": "paths: {}", "a reference that leads nowhere": `{paths: {/a: {get: {parameters: [{$ref: "#/b"}]}}}}`,
	} {
		written, err := postman.Collection([]byte(text))
		if err == nil {
			t.Errorf("%s becomes %s", name, written)
		}
	}
	_, err := postman.Environment([]byte("{"), nil)
	if err == nil {
		t.Error("an environment is made of nothing")
	}
}
