package psd2_test

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
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
		{"no body", json, " \r\n", nil},
		{"other members alone", json, `{"httpMessage":"Success"}`, nil},
		{"null alone", json, `null`, nil},
		{"white space", json, "{\n\t\"rows\": [ {\t\"a\": 1} ]\r\n}", []string{"{\t\"a\": 1}"}},
		{"a byte order mark", json, "\ufeff" + `{"rows":[1]}`, []string{"1"}},
		{"UTF-16", json, "\xff\xfe{\x00\"\x00r\x00o\x00w\x00s\x00\"\x00:\x00[\x00\"\x00\xe9\x00\"\x00]\x00}\x00", []string{`"é"`}},
		{"control characters in a text", json, "{\"rows\":[\"A\tB\x00\n\\\"\t\\\\\"]}", []string{`"A B  \" \\"`}},
		{"Windows-1252", json, "{\"rows\":[\"5 \x80\",\"é\",\"\xe9\"]}", []string{`"5 €"`, `"é"`, `"é"`}},
		{"Latin-9", json + "; charset=ISO-8859-15", "{\"rows\":[\"5 \xa4\"]}", []string{`"5 €"`}},
	} {
		list, err := listed(t, test.contentType, strings.NewReader(test.body))
		if err != nil || list.Cut || !slices.Equal(records(list), test.want) {
			t.Errorf("%s: %q, cut %t, %v", test.name, records(list), list.Cut, err)
		}
	}
}

func TestAnAnswerThatIsNotWholeIsNoList(t *testing.T) {
	for _, test := range []struct {
		name, body string
		kind       bank.FailureKind
	}{
		{"a page of the gateway", "<html>maintenance</html>", bank.Nonsense},
		{"a message", `{"tppMessages":[{"code":"SERVICE_BLOCKED"}]}`, bank.Nonsense},
		{"something after it", `{"rows":[]}{}`, bank.Nonsense},
		{"a mark alone", "\xff\xfe", bank.Nonsense},
		{"a list alone", `[1]`, bank.Nonsense},
		{"an object instead of a list", `{"rows":{"booked":[]}}`, bank.Nonsense},
		{"a text that ends early", `{"rows":[1,2`, bank.Nonsense},
		{"a record that ends early", `{"rows":[1,{"a":`, bank.Nonsense},
		{"an object that ends early", `{"rows":[1,2]`, bank.Nonsense},
	} {
		_, err := listed(t, "application/json", strings.NewReader(test.body))
		if failure := bank.AsFailure(err); err == nil || failure.Kind != test.kind {
			t.Errorf("%s: %v", test.name, err)
		}
	}
	broken := io.MultiReader(strings.NewReader(`{"rows":[1,`), failing{})
	_, err := listed(t, "application/json", broken)
	if failure := bank.AsFailure(err); err == nil || failure.Kind != bank.Unavailable {
		t.Errorf("a broken connection: %v", err)
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
