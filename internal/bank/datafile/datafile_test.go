package datafile_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/oxlin/oxlin/internal/bank/datafile"
)

// sample has a member of every type that data files use.
type sample struct {
	Embedded
	Name   string            `json:"name"`
	Days   int               `json:"days"`
	Common bool              `json:"common"`
	List   []item            `json:"list"`
	Fields map[string]string `json:"fields"`
	Item   *item             `json:"item"`
}

type Embedded struct {
	Address string `json:"address"`
}

type item struct {
	Code string `json:"code"`
}

func TestEveryFaultIsReportedWithItsPath(t *testing.T) {
	tests := []struct {
		name, text string
		want       []string
	}{
		{"nothing wrong", `{"name":"a","days":7,"common":true,"list":[{"code":"x"}],"fields":{"a":"b"},"item":null,"address":"c","Days":8}`, nil},
		{"unknown members", `{"nmae":"a","hidden":"b","item":{"code":"x","a b":1}}`, []string{
			`$.hidden: unknown member`, `$.item["a b"]: unknown member`, `$.nmae: unknown member`, `$.name: a value is missing`,
		}},
		{"wrong types", `{"name":7,"days":"7","common":"yes","list":{},"fields":["a"],"item":true,"address":{}}`, []string{
			`$.address: want a text, not an object`, `$.common: want true or false, not a text`,
			`$.days: want a whole number, not a text`, `$.fields: want an object, not a list`,
			`$.item: want an object, not true or false`, `$.list: want a list, not an object`, `$.name: want a text, not a number`,
		}},
		{"numbers that are not whole, or too large", `{"name":"a","days":1.5,"list":[{"code":"x"},{"code":1e3},7]}`, []string{
			`$.days: want a whole number, not a number with a fraction`,
			`$.list[1].code: want a text, not a number with a fraction`, `$.list[2]: want an object, not a number`,
		}},
		{"missing settings", `{"name":"{{bank}}","address":"https://{{host}}/{{path}}","list":[{"code":"{{bank}}"},{"code":""}]}`, []string{
			`$.address: the setting "host" is missing`, `$.list[0].code: the setting "bank" is missing`,
			`$.name: the setting "bank" is missing`, `$.list[1].code: a value is missing`,
		}},
		{"another document", `["a"]`, []string{`$: want an object, not a list`}},
	}
	for _, test := range tests {
		tree, err := datafile.Parse([]byte(test.text))
		if err != nil {
			t.Fatal(err)
		}
		var report datafile.Report
		at := report.Root()
		filled := datafile.Fill(tree, at, func(name string) (string, bool) { return "v1", name == "path" })
		var into sample
		datafile.Decode(filled, &into, at)
		at.Member("name").Check(into.Name != "", "a value is missing")
		for i, item := range into.List {
			at.Member("list").Item(i).Member("code").Check(item.Code != "", "a value is missing")
		}
		var got []string
		for _, fault := range report.Faults() {
			got = append(got, fault.String())
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
		if (report.Err() == nil) != (len(test.want) == 0) {
			t.Errorf("%s: %v", test.name, report.Err())
		}
	}
}

func TestTheRestOfADocumentIsRead(t *testing.T) {
	tree, err := datafile.Parse([]byte(`{"name":"{{bank}}","days":"7","address":"https://x.example","list":[7,{"code":"x"}],"fields":{"a":1,"b":"c"}}`))
	if err != nil {
		t.Fatal(err)
	}
	var report datafile.Report
	var into sample
	filled := datafile.Fill(tree, report.Root(), func(string) (string, bool) { return "A Bank", true })
	datafile.Decode(filled, &into, report.Root())
	want := sample{
		Name: "A Bank", Embedded: Embedded{Address: "https://x.example"}, List: []item{{}, {"x"}}, Fields: map[string]string{"b": "c"},
	}
	if diff := cmp.Diff(want, into); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestATextThatIsNoDocument(t *testing.T) {
	for text, want := range map[string]string{
		"":               "not JSON: EOF",
		"{\n\"a\": x}":   "line 2 is not JSON: invalid character 'x' looking for beginning of value",
		`{"a":1} {}`:     "there is more than one value",
		`{"a":1}garbage`: "there is more than one value",
	} {
		_, err := datafile.Parse([]byte(text))
		if err == nil || err.Error() != want {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

func TestAddresses(t *testing.T) {
	for text, want := range map[string][2]string{ // without and with HTTPS
		"https://bank.example/a": {},
		"http://bank.example":    {"", `$: "http://bank.example" is not an https URL`},
		"ftp://bank.example":     {`$: "ftp://bank.example" is not a URL`, `$: "ftp://bank.example" is not a URL`},
		"bank.example":           {`$: "bank.example" is not a URL`, `$: "bank.example" is not a URL`},
		"":                       {`$: "" is not a URL`, `$: "" is not a URL`},
	} {
		for i, https := range []bool{false, true} {
			report := datafile.Report{HTTPS: https}
			report.Root().CheckAddress(text)
			got := ""
			if err := report.Err(); err != nil {
				got = err.Error()
			}
			if got != want[i] {
				t.Errorf("%q with HTTPS %t: %q, want %q", text, https, got, want[i])
			}
		}
	}
}
