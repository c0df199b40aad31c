package psd2_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/banktest"
	"github.com/oxlin/oxlin/internal/bank/psd2"
)

var uuid4 = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)

func TestTheHeadersOfARequest(t *testing.T) {
	paris, json := plain(), plain()
	paris.DateZone = "Europe/Paris"
	json.Accept = "application/json"
	user := &oxlin.PSU{IP: "192.0.2.7", UserAgent: "Fire\nfox: evil"}
	tests := []struct {
		name   string
		config psd2.Interface
		psu    *oxlin.PSU
		want   map[string]string
	}{
		{"without a user", plain(), nil, map[string]string{"PSU-IP-Address": "", "PSU-Browser": ""}},
		{"with a user", plain(), user, map[string]string{"PSU-IP-Address": "192.0.2.7", "PSU-Browser": "Fire fox: evil"}},
		{"with a user whose address is unknown", plain(), &oxlin.PSU{UserAgent: "Firefox"}, map[string]string{"PSU-IP-Address": "", "PSU-Browser": ""}},
		{"the date in the bank's zone", paris, nil, map[string]string{"Date": "Sat, 21 Nov 2026 11:00:00 CET"}},
		{"another media type", json, nil, map[string]string{"Accept": "application/json"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			script := banktest.NewScript(t, banktest.Exchange{Ask: "GET /harbour/v1/accounts?page=2"}, banktest.Exchange{})
			client := newClient(t, test.config, script)
			c := call
			c.PSU = test.psu
			for range 2 {
				err := client.Send(t.Context(), c, psd2.Request{Op: opAccounts, Resource: "/accounts", Query: "page=2"}, nil)
				if err != nil {
					t.Fatal(err)
				}
			}
			want := map[string]string{
				"Authorization": "Bearer the-token", "Accept": "application/vnd.harbour+json",
				"Date": "Sat, 21 Nov 2026 10:00:00 GMT", "Content-Type": "", "Cookie": "", "Signature": "",
			}
			for name, value := range test.want {
				want[name] = value
			}
			first, second := script.Requests[0].Header, script.Requests[1].Header
			for name, value := range want {
				if got := first.Get(name); got != value {
					t.Errorf("%s is %q, want %q", name, got, value)
				}
			}
			if id := first.Get("Call-ID"); !uuid4.MatchString(id) || id == second.Get("Call-ID") {
				t.Errorf("Call-ID is %q, then %q", id, second.Get("Call-ID"))
			}
		})
	}
}

func TestABankHasHeadersOfItsOwn(t *testing.T) {
	config := plain()
	config.Headers = map[string]string{"X-Bank-Id": "0015", "X-Flow": "{client_id}/{uuid}", "Accept": "text/json", "X-Unsent": ""}
	config.ContentType = "application/json;charset=UTF-8"
	config.OAuth.Headers = map[string]string{"X-Bank-Id": "", "X-Token": "yes"}
	config.OAuth.Accept, config.OAuth.ContentType = "application/hal+json", "application/x-www-form-urlencoded"
	script := banktest.NewScript(t, banktest.Exchange{}, banktest.Exchange{Body: `{"access_token":"renewed"}`})
	client := newClient(t, config, script)
	err := client.Send(t.Context(), call, psd2.Request{Method: http.MethodPut, Resource: "/consent", Body: map[string]any{}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = psd2.NewAuthorizer(client).Refresh(t.Context(), call.Access)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []map[string]string{
		{"X-Bank-Id": "0015", "Accept": "text/json", "Content-Type": "application/json;charset=UTF-8", "X-Token": ""},
		{"X-Bank-Id": "", "Accept": "text/json", "Content-Type": "application/x-www-form-urlencoded", "X-Token": "yes"},
	} {
		header := script.Requests[i].Header
		want["X-Flow"] = "PSDFR-ACPR-12345/" + header.Get("Call-ID")
		for name, value := range want {
			if got := header.Get(name); got != value {
				t.Errorf("request %d: %s is %q, want %q", i, name, got, value)
			}
		}
		if _, sent := header["X-Unsent"]; sent {
			t.Errorf("request %d has an empty header", i)
		}
	}
}

func TestABodyIsSentAsJSON(t *testing.T) {
	script := banktest.NewScript(t, banktest.Exchange{Ask: "PUT /harbour/v1/consent", Status: http.StatusCreated, Body: `{"id":7}`})
	client := newClient(t, plain(), script)
	var answer struct {
		ID psd2.Text `json:"id"`
	}
	request := psd2.Request{Method: http.MethodPut, Resource: "/consent", Body: map[string]any{"accounts": []string{"1"}}}
	err := client.Send(t.Context(), call, request, &answer)
	if err != nil || answer.ID != "7" {
		t.Errorf("answer is %+v, %v", answer, err)
	}
	if script.Bodies[0] != `{"accounts":["1"]}` || script.Requests[0].Header.Get("Content-Type") != "application/json" {
		t.Errorf("body is %s of %s", script.Bodies[0], script.Requests[0].Header.Get("Content-Type"))
	}
	request.Body = func() {}
	wantKind(t, client.Send(t.Context(), call, request, nil), bank.Nonsense)
}

func TestAnAnswerIsRead(t *testing.T) {
	tests := []struct {
		status int
		body   string
		want   string // of the member "a"
		kind   bank.FailureKind
	}{
		{200, `{"a":"x"}`, "x", ""},
		{201, ` {"a":"x"} `, "x", ""},
		{204, ``, "before", ""},
		{200, ``, "before", ""},
		{200, " \n", "before", ""},
		{200, `{}`, "before", ""},
		{200, `null`, "before", ""},
		{200, "\ufeff" + `{"a":"x"}`, "x", ""},
		{200, "{\x00\"\x00a\x00\"\x00:\x00\"\x00\xe9\x00\"\x00}\x00", "é", ""},
		{200, "{\"a\":\"caf\xe9\"}", "café", ""},
		{200, "{\"a\":\"x\ty\",\"b\":NaN,}", "x y", ""},
		{200, `{"a":1}`, "", bank.Nonsense},
		{200, `{"a":"x"} {}`, "", bank.Nonsense},
		{200, `{"a":`, "", bank.Nonsense},
		{200, `<html>maintenance</html>`, "", bank.Nonsense},
		{200, "\xff\xfe", "", bank.Nonsense},
	}
	for _, test := range tests {
		client := newClient(t, plain(), banktest.NewScript(t, banktest.Exchange{Status: test.status, Body: test.body}))
		into := struct{ A string }{"before"}
		err := client.Send(t.Context(), call, psd2.Request{Op: opAccounts, Resource: "/accounts"}, &into)
		if test.kind != "" {
			if failure := bank.AsFailure(err); failure.Kind != test.kind || failure.Status != test.status {
				t.Errorf("%d %s: %v, want %s", test.status, test.body, err, test.kind)
			}
			continue
		}
		if err != nil || into.A != test.want {
			t.Errorf("%d %s: %q, %v, want %q", test.status, test.body, into.A, err, test.want)
		}
	}
}

func TestTheLengthOfAnAnswerIsLimited(t *testing.T) {
	const limit = 16 << 20
	for length, kind := range map[int]bank.FailureKind{limit: "", limit + 1: bank.Nonsense} {
		client := newClientOver(t, plain(), transport(func(*http.Request) (*http.Response, error) {
			body := io.MultiReader(strings.NewReader("{}"), strings.NewReader(strings.Repeat(" ", length-2)))
			return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(body)}, nil
		}))
		_, err := get(t, client)
		if kind == "" && err != nil {
			t.Errorf("%d bytes: %v", length, err)
		}
		if kind != "" {
			wantKind(t, err, kind)
		}
	}
	response := &http.Response{Body: io.NopCloser(strings.NewReader("12345"))}
	body, err := psd2.ReadBody(response, 5)
	if err != nil || string(body) != "12345" {
		t.Errorf("a body of exactly the limit is %q, %v", body, err)
	}
}

func TestABankThatCannotBeReached(t *testing.T) {
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	cut := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		fmt.Fprint(w, `{"half":`)
	}))
	defer cut.Close()
	for name, address := range map[string]string{"no server": closed.URL, "an answer that is cut short": cut.URL} {
		config := plain()
		config.BaseURL = address
		client, err := psd2.NewClient(config, dialect, psd2.Deps{})
		if err != nil {
			t.Fatal(err)
		}
		err = client.Send(t.Context(), call, psd2.Request{Op: opBalances, Resource: "/accounts/secret-account/balances"}, nil)
		failure := wantKind(t, err, bank.Unavailable)
		if strings.Contains(failure.Error(), "secret-account") {
			t.Errorf("%s: the failure names the account: %v", name, failure)
		}
	}
}

func TestACallHasATimeLimit(t *testing.T) {
	for configured, want := range map[int]time.Duration{0: 30 * time.Second, 7: 7 * time.Second} {
		config := plain()
		config.TimeoutSeconds = configured
		var left time.Duration
		client := newClientOver(t, config, transport(func(r *http.Request) (*http.Response, error) {
			deadline, _ := r.Context().Deadline()
			left = time.Until(deadline)
			return nil, errors.New("broken pipe")
		}))
		_, err := get(t, client)
		wantKind(t, err, bank.Unavailable)
		if left > want || left < want-5*time.Second {
			t.Errorf("the limit of %d seconds leaves %v", configured, left)
		}
	}
}

func TestARedirectIsNotFollowed(t *testing.T) {
	script := banktest.NewScript(t, banktest.Exchange{
		Status: http.StatusFound, Header: http.Header{"Location": {"https://bank.example/maintenance"}},
	})
	_, err := get(t, newClient(t, plain(), script))
	wantKind(t, err, bank.Unavailable)
}

func TestCookiesAreNotKept(t *testing.T) {
	script := banktest.NewScript(t, banktest.Exchange{Header: http.Header{"Set-Cookie": {"track=me"}}}, banktest.Exchange{})
	client := newClient(t, plain(), script)
	for range 2 {
		_, err := get(t, client)
		if err != nil {
			t.Fatal(err)
		}
	}
	if got := script.Requests[1].Header.Get("Cookie"); got != "" {
		t.Errorf("cookie %q comes back", got)
	}
}
