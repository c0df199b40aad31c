package psd2_test

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/psd2"
)

// listed sends a request for a list to a bank with one answer.
func listed(t *testing.T, contentType string, body io.Reader) (psd2.List, error) {
	t.Helper()
	client := newClientOver(t, plain(), transport(func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {contentType}}, Body: io.NopCloser(body)}, nil
	}))
	return client.SendList(t.Context(), call, psd2.Request{Op: opAccounts, Resource: "/accounts"}, "rows")
}

func records(list psd2.List) (texts []string) {
	for _, record := range list.Records {
		texts = append(texts, string(record))
	}
	return texts
}

// A record is the same wherever the parts in which its answer comes begin, and wherever it is cut.
func TestARecordInParts(t *testing.T) {
	long := strings.Repeat(`x\"}],`, 2_000)
	bodies := []string{`{"rows":[{"a":"` + long + `","b":[1,{"c":2}]},{"a":"` + long + `"},7]}`}
	whole := `{"rows":[ {"a":"\\","b":[[],{}]} ,"x\"]", 12,50 , NaN}{"c":"}"}],"next":null} rest`
	for end := range len(whole) {
		bodies = append(bodies, whole[:end])
	}
	for _, body := range bodies {
		want, wantErr := listed(t, "application/json", strings.NewReader(body))
		got, err := listed(t, "application/json", iotest.OneByteReader(strings.NewReader(body)))
		if !slices.Equal(records(got), records(want)) || got.Cut != want.Cut || got.Followed != want.Followed || fmt.Sprint(err) != fmt.Sprint(wantErr) {
			t.Errorf("%.60q in parts: %.80q, %v, want %.80q, %v", body, records(got), err, records(want), wantErr)
		}
	}
	list, err := listed(t, "application/json", strings.NewReader(bodies[0]))
	if err != nil || list.Cut || len(list.Records) != 3 || len(list.Records[0]) != len(long)+len(`{"a":"","b":[1,{"c":2}]}`) {
		t.Errorf("%d records, %v", len(list.Records), err)
	}
}

func TestAListWithinAnObject(t *testing.T) {
	for body, want := range map[string][]string{
		`{"Data":{"Row":[{"a":1},{"a":2}]},"Links":{"Next":"/accounts?page=2"},"Meta":{"TotalPages":2}}`: {`{"a":1}`, `{"a":2}`},
		`{"Meta":{"TotalPages":1},"Data":{"Row":[]}}`:                                                    nil,
		`{"Data":{},"Meta":{"TotalPages":1}}`:                                                            nil,
		`{"Data":null,"Meta":{"TotalPages":1}}`:                                                          nil,
		`{"Data":{"Links":{"Next":"/accounts?page=2"},"Row":[{}]}}`:                                      {`{}`},
		`{"Data":{"Row":{"Id":7,"Name":"the only one"}},"Links":{}}`:                                     {`{"Id":7,"Name":"the only one"}`},
		`{"Data":[{"Id":7}],"Meta":{}}`:                                                                  {`{"Id":7}`},
	} {
		client := newClientOver(t, plain(), transport(func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}, nil
		}))
		list, err := client.SendList(t.Context(), call, psd2.Request{Op: opAccounts, Resource: "/accounts"}, "Data.Row", "Id")
		if err != nil || !slices.Equal(records(list), want) {
			t.Errorf("%s: %q, %v, want %q", body, records(list), err, want)
		}
		if hasNext := strings.Contains(body, "Next"); (list.Links.To("next").Href != "") != hasNext {
			t.Errorf("%s: links are %v", body, list.Links)
		}
	}
	for _, body := range []string{`{"Data":{"Rows":[{"Id":7}]},"Meta":{}}`, `{"Meta":{"TotalPages":1}}`, `{"Data":"maintenance"}`} {
		client := newClientOver(t, plain(), transport(func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}, nil
		}))
		list, err := client.SendList(t.Context(), call, psd2.Request{Op: opAccounts, Resource: "/accounts"}, "Data.Row", "Id")
		if err == nil {
			t.Errorf("%s is a list: %v", body, list)
		}
	}
}

func TestAListIsReadRecordByRecord(t *testing.T) {
	const json = "application/json"
	for _, test := range []struct {
		name, contentType, body string
		want                    []string
	}{
		{"a list", json, `{"rows":[{"a":1},7,null,"x"],"_links":{}}`, []string{`{"a":1}`, "7", "null", `"x"`}},
		{"other members before it", json, `{"x":{"rows":[1]},"rows":[2]}`, []string{"2"}},
		{"an empty list", json, `{"rows":[]}`, nil},
		{"null", json, `{"rows":null}`, nil},
		{"an empty object", json, `{}`, nil},
		{"links alone", json, `{"_links":{"self":{"href":"x"}},"status":200,"total":0}`, nil},
		{"an empty object instead of the list", json, `{"rows":{ }}`, nil},
		{"a name in capitals", json, `{"Rows":[1]}`, []string{"1"}},
		{"two lists", json, `{"rows":[1],"rows":[2]}`, []string{"1", "2"}},
		{"a mark of the gateway after it", json, `{"rows":[1]}` + "\r\n\x00<!-- gw3 -->", []string{"1"}},
		{"no body", json, " \r\n", nil},
		{"other members alone", json, `{"httpMessage":"Success"}`, nil},
		{"null alone", json, `null`, nil},
		{"as a text", json, `"{\"rows\":[{\"a\":\"\u00e9\\\"\"}]}"`, []string{`{"a":"é\""}`}},
		{"white space", json, "{\n\t\"rows\": [ {\t\"a\": 1} ]\r\n}", []string{"{\t\"a\": 1}"}},
		{"a zero before it", json, "\x00{\"rows\":[1]}", []string{"1"}},
		{"a byte order mark", json, "\ufeff" + `{"rows":[1]}`, []string{"1"}},
		{"UTF-16", json, "\xff\xfe{\x00\"\x00r\x00o\x00w\x00s\x00\"\x00:\x00[\x00\"\x00\xe9\x00\"\x00]\x00}\x00", []string{`"é"`}},
		{"control characters in a text", json, "{\"rows\":[\"A\tB\x00\n\\\"\t\\\\\"]}", []string{`"A B  \" \\"`}},
		{"UTF-16 without its mark", json, "\x00{\x00\"\x00r\x00o\x00w\x00s\x00\"\x00:\x00[\x001\x00]\x00}", []string{"1"}},
		{"Windows-1252", json, "{\"rows\":[\"5 \x80\",\"é\",\"\xe9\"]}", []string{`"5 €"`, `"é"`, `"é"`}},
		{"Latin-9", json + "; charset=ISO-8859-15", "{\"rows\":[\"5 \xa4\"]}", []string{`"5 €"`}},
	} {
		list, err := listed(t, test.contentType, strings.NewReader(test.body))
		if err != nil || list.Cut || !slices.Equal(records(list), test.want) {
			t.Errorf("%s: %q, cut %t, %v", test.name, records(list), list.Cut, err)
		}
	}
}

// TestAFaultyRecordCostsNoOther reads lists of which one record is not JSON: it is mended
// without a guess, or becomes a text, which no connector takes for a record.
func TestAFaultyRecordCostsNoOther(t *testing.T) {
	for _, test := range []struct{ name, record, want string }{
		{"no number", `{"a":NaN}`, `{"a":"NaN"}`},
		{"an infinite one", `{"a":-Infinity,"b":undefined}`, `{"a":"-Infinity","b":"undefined"}`},
		{"a sign", `{"a":+12.50}`, `{"a":"+12.50"}`},
		{"no units", `{"a": .5 }`, `{"a": ".5" }`},
		{"zeros in front", `{"a":007}`, `{"a":"007"}`},
		{"a word of another language", `{"a":True}`, `{"a":"True"}`},
		{"names without quotes", `{a:1}`, `{"a":1}`},
		{"an escaped apostrophe", `{"a":"L\'OREAL"}`, `{"a":"L'OREAL"}`},
		{"an escaped byte", `{"a":"\x41\u00e9\u12"}`, `{"a":"x41\u00e9u12"}`},
		{"an escaped quote", `{"a":"\"\\"}`, `{"a":"\"\\"}`},
		{"control characters", "{\"a\":\"1\t2\x00\"}", `{"a":"1 2 "}`},
		{"a comma too many", `{"a":[1,],}`, `{"a":[1]}`},
		{"a decimal comma", `{"a":12,50}`, `"{\"a\":12,50}"`},
		{"a quote in a text", `{"a":"CAFE "LE PARIS""}`, `"{\"a\":\"CAFE \"LE PARIS\"\"}"`},
		{"a member without a value", `{"a":}`, `"{\"a\":}"`},
		{"a depth without measure", strings.Repeat("[", 11_000) + strings.Repeat("]", 11_000), `"` + strings.Repeat("[", 11_000) + strings.Repeat("]", 11_000) + `"`},
	} {
		for _, form := range []string{`{"rows":[{"n":1},%s,{"n":2}]}`, `{"rows":[{"n":1} %s , {"n":2},],}`, `{"beside":%[1]s,"rows":[{"n":1},%[1]s,{"n":2}]}`} {
			list, err := listed(t, "application/json", strings.NewReader(fmt.Sprintf(form, test.record)))
			want := []string{`{"n":1}`, test.want, `{"n":2}`}
			if err != nil || list.Cut || list.Followed || !slices.Equal(records(list), want) {
				t.Errorf("%s in %s: %.200q, %v", test.name, form, records(list), err)
			}
		}
	}
}

func TestAnAnswerThatEndsTooEarlyIsReadAsFarAsItGoes(t *testing.T) {
	const whole = `{"rows":[{"a":1},{"b":"}"},{"c":[2]}],"_links":{"next":{"href":"?page=2"}}}`
	most := 0
	for end := strings.Index(whole, ",") + 1; end < len(whole); end++ {
		list, err := listed(t, "application/json", strings.NewReader(whole[:end]))
		got := records(list)
		if err != nil || !list.Cut || len(got) < most || !slices.Equal(got, []string{`{"a":1}`, `{"b":"}"}`, `{"c":[2]}`}[:len(got)]) {
			t.Errorf("%q: %q, cut %t, %v", whole[:end], got, list.Cut, err)
		}
		most = len(got)
	}
	if most != 3 {
		t.Errorf("%d records of 3", most)
	}
	list, err := listed(t, "application/json", strings.NewReader(`{"rows":[1]}{"rows":[2]}`))
	if err != nil || !list.Followed || !slices.Equal(records(list), []string{"1"}) {
		t.Errorf("two answers: %q, followed %t, %v", records(list), list.Followed, err)
	}
}

func TestAnAnswerThatIsNotWholeIsNoList(t *testing.T) {
	for _, test := range []struct {
		name, body string
		kind       bank.FailureKind
	}{
		{"a page of the gateway", "<html>maintenance</html>", bank.Nonsense},
		{"a message", `{"tppMessages":[{"code":"SERVICE_BLOCKED"}]}`, bank.Nonsense},
		{"a mark alone", "\xff\xfe", bank.Nonsense},
		{"a list alone", `[1]`, bank.Nonsense},
		{"an object instead of a list", `{"rows":{"booked":[]}}`, bank.Nonsense},
		{"a text that ends early", `{"rows":["1`, bank.Nonsense},
		{"a record that ends early", `{"rows":[{"a":`, bank.Nonsense},
		{"an object that ends early", `{"rows":[]`, bank.Nonsense},
		{"no name", `{:[]}`, bank.Nonsense},
		{"a name that is no text", `{'rows':[]}`, bank.Nonsense},
		{"a name without marks", `{rows:[]}`, bank.Nonsense},
		{"no colon", `{"rows"[]}`, bank.Nonsense},
		{"only a second answer has it", `{}{"rows":[1]}`, bank.Nonsense},
		{"an error", `{"error":{"code":7}}`, bank.Nonsense},
		{"an error's code", `{"code":"TECH-01","libelle":"indisponible"}`, bank.Nonsense},
		{"an error's status", `{"status":500}`, bank.Nonsense},
		{"the list under another name", `{"data":{"rows":[1]}}`, bank.Nonsense},
	} {
		_, err := listed(t, "application/json", strings.NewReader(test.body))
		if failure := bank.AsFailure(err); err == nil || failure.Kind != test.kind {
			t.Errorf("%s: %v", test.name, err)
		}
	}
	for _, before := range []string{``, ` `, `{`, `{"rows":[1,`, `{"rows":[1]`, `{"rows":[1]}`} {
		_, err := listed(t, "application/json", io.MultiReader(strings.NewReader(before), failing{}))
		if failure := bank.AsFailure(err); err == nil || failure.Kind != bank.Unavailable {
			t.Errorf("a connection that breaks after %q: %v", before, err)
		}
	}
}

// failing is a connection that breaks.
type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// TestALargeListIsReadAsFarAsItGoes reads 25 MB whole, and of a list without an end the
// first 64 MB.
func TestALargeListIsReadAsFarAsItGoes(t *testing.T) {
	row := fmt.Sprintf(`{"a":%q}`, strings.Repeat("x", 800))
	rows := strings.Repeat(row+",", 30_000)
	list, err := listed(t, "application/json", strings.NewReader(`{"rows":[`+rows+row+`]}`))
	if err != nil || list.Cut || len(list.Records) != 30_001 {
		t.Errorf("%d records, cut %t, %v", len(list.Records), list.Cut, err)
	}
	start := time.Now()
	list, err = listed(t, "application/json", io.MultiReader(strings.NewReader(`{"rows":[`), endlessReader(row+",")))
	if err != nil || !list.Cut || len(list.Records) < 70_000 {
		t.Errorf("%d records, cut %t, %v in %v", len(list.Records), list.Cut, err, time.Since(start))
	}
}

// endlessReader repeats a text for ever.
type endlessReader string

func (r endlessReader) Read(p []byte) (n int, err error) {
	for n+len(r) <= len(p) {
		n += copy(p[n:], r)
	}
	if n == 0 {
		return copy(p, " "), nil
	}
	return n, nil
}

// TestAListInAnotherFormIsRead reads what programs write that take a list of one element
// for the element itself, or a table for an object.
func TestAListInAnotherFormIsRead(t *testing.T) {
	const one, two, broken = `{"id":"1","a":{"b":2}}`, `{"ID":"2"}`, `{"id":"3",,}`
	for written, want := range map[string][]string{
		one:                 {one},
		`{"a":{"id":1}}`:    {`{"id":1}`},
		`{"1":` + one + `}`: {one},
		`{"1":` + one + `,"2":` + two + `,"total":2}`: {one, two},
		`{"1":` + one + `,"2":` + broken + `}`:        {one, `"{\"id\":\"3\",,}"`},
		`{"item":[` + one + `,` + two + `]}`:          {one, two},
		`{"item":` + one + `}`:                        {one},
		`{"item":null}`:                               nil,
		`{"items":[` + one + `],"_links":{}}`:         {one},
		`{"items":[` + one + `],"error":{"code":7}}`:  {"broken"},
		`{}`:                       nil,
		`null`:                     nil,
		`[` + one + `,null]`:       {one, "null"},
		`{"error":{"code":7}}`:     {"broken"},
		`{"booked":[` + one + `]}`: {"broken"},
		`{"item":7}`:               {"broken"},
		`7`:                        {"broken"},
		`"x"`:                      {"broken"},
	} {
		client := newClientOver(t, plain(), transport(func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(`{"rows":` + written + `}`))}, nil
		}))
		list, err := client.SendList(t.Context(), call, psd2.Request{Op: opAccounts, Resource: "/accounts"}, "rows", "id")
		got := records(list)
		if err != nil {
			got = []string{"broken"}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s holds %q, want %q", written, got, want)
		}
	}
}

// TestALargeObjectWithAFaultIsReadInTime reads 30,000 records in an object, one of them no
// JSON: what mends them looks at each byte a few times only.
func TestALargeObjectWithAFaultIsReadInTime(t *testing.T) {
	var body strings.Builder
	for i := range 30_000 {
		fmt.Fprintf(&body, `"%d":{"id":%d,"n":1.5,"text":"%s"},`, i, i, strings.Repeat("x", 400))
	}
	client := newClientOver(t, plain(), transport(func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(`{"rows":{` + body.String() + `"x":{"id":12,50}}}`))}, nil
	}))
	list, err := client.SendList(t.Context(), call, psd2.Request{Op: opAccounts, Resource: "/accounts"}, "rows", "id")
	if err != nil || len(list.Records) != 30_001 {
		t.Errorf("%d records, %v", len(list.Records), err)
	}
}

// TestAFaultWithinARecordCostsItsPartAlone mends a record part by part: what cannot be
// mended becomes a text.
func TestAFaultWithinARecordCostsItsPartAlone(t *testing.T) {
	for record, want := range map[string]string{
		`{"a":1,"b":{"c":12,50},"d":[{"e":.5},{"f":12,50},7]}`: `{"a":1,"b":"{\"c\":12,50}","d":[{"e":".5"},"{\"f\":12,50}",7]}`,
		`{"a":{"b":{"c":{"d":12,50}}}}`:                        `{"a":{"b":{"c":"{\"d\":12,50}"}}}`,
		`{"a":[1 2],"b":1}`:                                    `{"a":"[1 2]","b":1}`,
		`{"a":[1,,2],"b":1}`:                                   `{"a":"[1,,2]","b":1}`,
		`{"a":{"b":1 "c":2},"d":1}`:                            `{"a":"{\"b\":1 \"c\":2}","d":1}`,
		`{"a":1 "b":2}`:                                        `"{\"a\":1 \"b\":2}"`,
	} {
		list, err := listed(t, "application/json", strings.NewReader(`{"rows":[`+record+`]}`))
		if err != nil || !slices.Equal(records(list), []string{want}) {
			t.Errorf("%s: %q, %v, want %q", record, records(list), err, want)
		}
	}
}
