package e2e_test

import (
	"bytes"
	"context"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/oxlin/oxlin/testbank/visitor"
)

// TestTheReadmesCallsWork runs the shell of the README as it stands there, but
// for the address, with the visit to the bank in between.
func TestTheReadmesCallsWork(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(string(readme), -1)
	if len(blocks) != 2 {
		t.Fatalf("the README has %d blocks of shell, want 2", len(blocks))
	}
	platform := sandbox(t)
	script := strings.Replace(blocks[0][1], "platform=http://127.0.0.1:8080", "platform="+platform, 1)
	output := shell(t, script+"\necho; echo \"token=$token\"\n")
	location := regexp.MustCompile(`(?mi)^location: (http\S+authorize\S*)`).FindStringSubmatch(output)
	token := regexp.MustCompile(`(?m)^token=(\S+)$`).FindStringSubmatch(output)
	if location == nil || token == nil {
		t.Fatalf("the calls gave no address of the bank or no token:\n%s", output)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	callback, err := visitor.Visit(ctx, location[1], visitor.Dev())
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.Get(callback.String())
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Fatalf("without a redirect_uri the user sees HTTP %d, want a page of ours", response.StatusCode)
	}
	reading := "platform=" + platform + " token=" + token[1] + "\n" + blocks[1][1]
	for {
		output = shell(t, reading)
		if !strings.Contains(output, `"RUNNING"`) {
			break
		}
	}
	for _, want := range []string{`"status":"SUCCESS"`, `"type":"CHECKINGS"`, `"remittance_information"`} {
		if !strings.Contains(output, want) {
			t.Errorf("the answers lack %s:\n%s", want, output)
		}
	}
}

// shell runs a script as a user's shell would, but stops at the first failure.
func shell(t *testing.T, script string) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), "sh", "-eu", "-c", script)
	var complaint bytes.Buffer
	command.Stderr = &complaint
	output, err := command.Output()
	if err != nil {
		t.Fatalf("%v: %s\n%s", err, complaint.String(), output)
	}
	return strings.ReplaceAll(string(output), "\r", "")
}

// sandbox runs a platform on free ports until the test ends, and gives its address.
func sandbox(t *testing.T) string {
	t.Helper()
	platform := run(t, "platform", "serve", "--sandbox", "--data", t.TempDir(), "--listen", "127.0.0.1:0", "--testbank-listen", "127.0.0.1:0")
	return platform.where(t, "platform")
}
