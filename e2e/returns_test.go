package e2e_test

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/oxlin/oxlin/testbank/robot"
)

// visitor is a browser without scripts.
type visitor struct {
	t       *testing.T
	browser http.Client
}

func newVisitor(t *testing.T) *visitor {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &visitor{t, http.Client{Jar: jar}}
}

// open requests an address, and returns the last page with its address and status.
func (v *visitor) open(address string) (page string, at *url.URL, status int) {
	v.t.Helper()
	request, err := http.NewRequestWithContext(v.t.Context(), http.MethodGet, address, nil)
	if err != nil {
		v.t.Fatal(err)
	}
	response, err := v.browser.Do(request)
	if err != nil {
		v.t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	return string(body), response.Request.URL, response.StatusCode
}

// leaves begins a journey without the widget, and returns the address of the bank's login.
func (v *visitor) leaves(application string) string {
	v.t.Helper()
	v.open(application)
	without := v.browser
	without.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	request, err := http.NewRequestWithContext(v.t.Context(), http.MethodPost, application+"/direct", nil)
	if err != nil {
		v.t.Fatal(err)
	}
	response, err := without.Do(request)
	if err != nil {
		v.t.Fatal(err)
	}
	defer response.Body.Close()
	address := response.Header.Get("Location")
	if response.StatusCode != http.StatusSeeOther || address == "" {
		v.t.Fatalf("the application answers %s", response.Status)
	}
	return address
}

// backFrom logs in at the bank and returns the address to which it redirects.
func backFrom(t *testing.T, bank string) string {
	t.Helper()
	back, err := robot.LogIn(t.Context(), bank, robot.Dev())
	if err != nil {
		t.Fatal(err)
	}
	return back.String()
}

// The example binds the journeys that it begins itself: a return in another browser is
// refused, and nothing of it stays.
func TestTheExampleRefusesAReturnInAnotherBrowser(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	program := filepath.Join(folder, "integrator")
	output, err := exec.CommandContext(t.Context(), "go", "build", "-buildvcs=false", "-o", program, "../examples/integrator").CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, output)
	}
	example, err := begin(filepath.Join(folder, "example.log"), exec.Command(program,
		"-listen", "127.0.0.1:0", "-platform", sandbox(t), "-client-id", "sandbox-licensed", "-client-secret", "sandbox-licensed-secret"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(example.Abandon)
	application := example.where(t, "integrator")

	attacker, victim := newVisitor(t), newVisitor(t)
	back := backFrom(t, attacker.leaves(application))
	page, at, status := victim.open(back)
	if status != http.StatusForbidden || at.Path != "/returned" || !strings.Contains(page, "was not started here") {
		t.Fatalf("another browser ends at %s with %d: %s", at.Path, status, page)
	}
	for _, forged := range []string{at.RawQuery, strings.Replace(at.RawQuery, "connection_id=", "connection_id=1", 1)} {
		page, _, _ = attacker.open(application + "/returned?" + forged)
		if !strings.Contains(page, "This did not work") {
			t.Errorf("the browser that left makes up a return, and sees %s", page)
		}
	}
	page, _, _ = attacker.open(application + "/accounts")
	if !strings.Contains(page, "There are none yet") {
		t.Errorf("the browser that left sees %s", page)
	}

	_, at, _ = attacker.open(backFrom(t, attacker.leaves(application)))
	if at.Path != "/accounts" {
		t.Fatalf("the browser that left ends at %s", at)
	}
	for end := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		page, _, _ = attacker.open(application + "/accounts")
		if strings.Contains(page, "<table>") {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("its accounts do not come: %s", page)
		}
	}
}
