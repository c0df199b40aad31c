package browser_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/oxlin/oxlin/internal/omit"
)

// TestInTheBrowser runs each file of stories against one sandbox, and then looks
// for the secrets that the stories used in the sandbox's log.
func TestInTheBrowser(t *testing.T) {
	files, err := filepath.Glob("*.test.mjs")
	if err != nil || len(files) == 0 {
		t.Fatalf("there are no stories: %v", err)
	}
	mustHave(t, len(files))
	notes := t.TempDir() // in which the stories write down what they used and saw
	sandbox := start(t)
	t.Run("stories", func(t *testing.T) {
		for _, file := range files {
			t.Run(strings.TrimSuffix(file, ".test.mjs"), func(t *testing.T) {
				t.Parallel()
				tell(t, file, "OXLIN_PLATFORM="+sandbox.platform, "OXLIN_BANK="+sandbox.bank, "OXLIN_EXAMPLE="+sandbox.example, "OXLIN_NOTES="+notes, "OXLIN_LOG="+sandbox.log,
					"OXLIN_BINARY="+sandbox.binary, "OXLIN_DATA="+sandbox.data)
			})
		}
	})
	sandbox.stop(t)
	log, err := os.ReadFile(sandbox.log)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range noted(t, filepath.Join(notes, "secrets")) {
		if secret.in(log) {
			t.Errorf("a secret is in the log: %s", secret.Kind)
		}
	}
}

// mustHave omits the stories where something is missing that they need.
func mustHave(t *testing.T, stories int) {
	t.Helper()
	omit.Without(t, stories, "browser", "chromium", "node")
	for _, name := range []string{"playwright-core", "axe-core"} {
		_, err := os.Stat(filepath.Join("node_modules", name))
		if err != nil {
			omit.Skip(t, stories, "the npm package "+name+" is not installed (.ci/browser)")
		}
	}
}

// sources reads the directories of the binary's sources, which this package does not
// import, so that the go command discards a cached result when one of them changes.
func sources() error {
	return filepath.WalkDir("../..", func(path string, entry fs.DirEntry, err error) error {
		hidden := path != "../.." && strings.HasPrefix(entry.Name(), ".")
		if err == nil && entry.IsDir() && (hidden || entry.Name() == "node_modules") {
			return fs.SkipDir
		}
		return err
	})
}

// sandbox is a running platform with its test bank.
type sandbox struct {
	platform, bank string
	// example is the sample integrator, not running.
	example string
	// An operator's commands run binary, beside the sandbox, on data.
	binary, data string
	log          string
	stop         func(t *testing.T)
}

// start builds the binaries and runs a sandbox for as long as the test lasts.
func start(t *testing.T) sandbox {
	t.Helper()
	directory := build(t)
	return serve(t, directory, "--testbank-control", "--allow-private-file-urls", "--listen", "127.0.0.1:0")
}

// build builds the binaries and returns their directory.
func build(t *testing.T) string {
	t.Helper()
	err := sources()
	if err != nil {
		t.Fatal(err)
	}
	directory := t.TempDir()
	command := exec.Command("go", "build", "-buildvcs=false", "-o", directory+"/", "../../cmd/oxlin", "../../examples/integrator")
	command.Env = append(os.Environ(), "CGO_ENABLED=0")
	output, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("build the binaries: %v\n%s", err, output)
	}
	return directory
}

// serve runs a sandbox of the binaries in a directory for as long as the test lasts.
func serve(t *testing.T, directory string, flags ...string) sandbox {
	t.Helper()
	s := sandbox{
		example: filepath.Join(directory, "integrator"), log: filepath.Join(directory, "log"),
		binary: filepath.Join(directory, "oxlin"), data: filepath.Join(directory, "data"),
	}
	log, err := os.Create(s.log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { log.Close() })
	process := exec.Command(s.binary, append([]string{"serve", "--log-level", "DEBUG", "--sandbox",
		"--testbank-listen", "127.0.0.1:0", "--data", s.data}, flags...)...)
	process.Stderr = log
	stdout, err := process.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	err = process.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if process.ProcessState == nil {
			_ = process.Process.Kill()
			_ = process.Wait()
		}
	})
	s.stop = func(t *testing.T) {
		t.Helper()
		err := process.Process.Signal(syscall.SIGTERM)
		if err == nil {
			err = process.Wait()
		}
		if err != nil {
			t.Errorf("the sandbox ended badly: %v", err)
		}
	}
	for lines := bufio.NewScanner(stdout); (s.platform == "" || s.bank == "") && lines.Scan(); {
		name, address, _ := strings.Cut(lines.Text(), "http")
		switch strings.TrimSpace(name) {
		case "platform":
			s.platform = "http" + address
		case "test bank":
			s.bank = "http" + address
		}
	}
	if s.platform == "" || s.bank == "" {
		text, _ := os.ReadFile(s.log)
		t.Fatalf("the sandbox did not start:\n%s", text)
	}
	return s
}

// tell runs a file of stories. Its last lines name the stories that failed, with the
// reason.
func tell(t *testing.T, file string, environment ...string) {
	t.Helper()
	ctx := t.Context()
	end, limited := t.Deadline()
	if limited { // print the output up to the failure
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, end.Add(-30*time.Second))
		defer cancel()
	}
	node := exec.CommandContext(ctx, "node", "--test", "--test-reporter=spec", file)
	node.Env = append(os.Environ(), "FORCE_COLOR=0") // for node and Playwright
	node.Env = append(node.Env, environment...)
	// On SIGTERM it closes its browser.
	node.Cancel = func() error { return node.Process.Signal(syscall.SIGTERM) }
	node.WaitDelay = 10 * time.Second
	output, err := node.CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, output)
		return
	}
	t.Logf("%s", output)
}

// secret is a secret that a story used.
type secret struct{ Kind, Value string }

// in reports whether the secret occurs in a text. A short code counts only between
// other characters than digits.
func (s secret) in(text []byte) bool {
	return regexp.MustCompile(`(^|[^0-9A-Za-z.])` + regexp.QuoteMeta(s.Value) + `($|[^0-9A-Za-z])`).Match(text)
}

// noted returns the secrets that the stories wrote to a file.
func noted(t *testing.T, path string) []secret {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("no story wrote its secrets down: %v", err)
	}
	var list []secret
	for line := range strings.Lines(string(text)) {
		var s secret
		err := json.Unmarshal([]byte(line), &s)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, s)
	}
	return list
}

func TestASecretIsFound(t *testing.T) {
	for text, found := range map[string]bool{
		"code=730519 next":     true,
		`{"code":"730519"}`:    true,
		"730519":               true,
		"duration=1.730519ms":  false,
		"request=A7305192":     false,
		"nothing to see here.": false,
	} {
		if (secret{"a code", "730519"}).in([]byte(text)) != found {
			t.Errorf("in %q: want %v", text, found)
		}
	}
}
