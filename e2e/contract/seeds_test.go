package contract_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/oxlin/oxlin/internal/omit"
)

// command is a curl command of a published document, as it is printed there.
type command struct {
	// document is the number of its file, "000".
	document string
	text     string
	// begin and end are its lines in the document.
	begin, end int
}

// key identifies a command by its text, so that a changed document has commands without
// a case.
func (c command) key() string {
	return fmt.Sprintf("%s %.4x", c.document, sha256.Sum256([]byte(c.text)))
}

// seeds holds the lines of the three documents by number, if the documents are present.
func seeds(t *testing.T) map[string][]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(shared(), "seeds", "[0-9][0-9][0-9]_*.txt"))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		omit.Skip(t, len(seedCases), "the documents of the hosted service are missing (OXLIN_SHARED)")
	}
	documents := map[string][]string{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		number, _, _ := strings.Cut(filepath.Base(file), "_")
		documents[number] = strings.Split(string(text), "\n")
	}
	return documents
}

// commands returns every curl command. A command continues while a line ends with a
// backslash, while a body is open, and, because backslashes are missing in places,
// while the next line begins with an option.
func commands(documents map[string][]string) []command {
	var found []command
	for number, lines := range documents {
		for i := 0; i < len(lines); i++ {
			if !regexp.MustCompile(`^(response=\$\()?curl `).MatchString(lines[i]) {
				continue
			}
			begin, open := i, false
			for {
				opens := strings.Contains(lines[i], "-d '{") && !strings.HasSuffix(lines[i], "}'")
				open = (open || opens) && lines[i] != "}'"
				if i+1 == len(lines) || !open && !strings.HasSuffix(lines[i], `\`) && !strings.HasPrefix(lines[i+1], "-") {
					break
				}
				i++
			}
			found = append(found, command{number, strings.Join(lines[begin:i+1], "\n"), begin, i})
		}
	}
	return found
}

// repair is a change that a command needs before a shell accepts it.
type repair struct{ printed, meant, why string }

// seedCase is one command and its expected answer.
type seedCase struct {
	// key identifies the command; says describes it for people.
	key, says string
	repairs   []repair
	// prepare creates the resources of the command, and returns the values of its
	// placeholders: "{access_token}", and "$client_id" for a shell variable.
	prepare func(s *scene) (*person, map[string]string)
	// shows checks the answer.
	shows func(s *scene, p *person, got answer)
	// after prepends the command before, and the lines between, because they set
	// variables for this one.
	after bool
	// cannot gives the reason why a command is not run.
	cannot string
}

// TestCommandsOfTheDocuments runs every curl command of the published documents.
func TestCommandsOfTheDocuments(t *testing.T) {
	documents := seeds(t)
	found := commands(documents)
	known := map[string]seedCase{}
	for _, one := range seedCases {
		known[one.key] = one
	}
	there := map[string]bool{}
	for _, one := range found {
		there[one.key()] = true
		if _, ok := known[one.key()]; !ok {
			t.Errorf("nobody knows the command %s:\n%s", one.key(), one.text)
		}
	}
	for key, one := range known {
		if !there[key] {
			t.Errorf("the documents have no command %s, %s", key, one.says)
		}
	}
	// The number of calls of curl in the text proves that no command is missed.
	calls := 0
	for _, lines := range documents {
		for _, line := range lines {
			calls += strings.Count(line, "curl ")
		}
	}
	if calls != len(found) {
		t.Errorf("curl is called %d times, and %d commands were found", calls, len(found))
	}
	eachDatabase(t, func(t *testing.T, p *platform) {
		for _, one := range found {
			row, ok := known[one.key()]
			if !ok || row.cannot != "" {
				continue
			}
			t.Run(fmt.Sprintf("%s line %d, %s", one.document, one.begin+1, row.says), func(t *testing.T) {
				t.Parallel()
				row.run(t, p, one, documents[one.document], found)
			})
		}
	})
}

func (c seedCase) run(t *testing.T, p *platform, one command, lines []string, all []command) {
	text := one.text
	if c.after {
		begin := one.begin
		for _, other := range all {
			if other.document == one.document && other.begin < one.begin && (begin == one.begin || other.begin > begin) {
				begin = other.begin
			}
		}
		text = strings.Join(lines[begin:one.end+1], "\n")
	}
	for _, r := range c.repairs {
		if !strings.Contains(text, r.printed) {
			t.Fatalf("there is no %q to repair (%s)", r.printed, r.why)
		}
		text = strings.ReplaceAll(text, r.printed, r.meant)
	}
	s := &scene{t, p}
	person, values := c.prepare(s)
	for _, host := range []string{"https://sandbox-auth.oxlin.io", "https://sandbox-api.oxlin.io", "https://sandbox-embed.oxlin.io"} {
		text = strings.ReplaceAll(text, host, p.address)
	}
	variables := []string{"api_baseurl=" + p.address + "/v2.1"}
	for name, value := range values {
		if variable, ok := strings.CutPrefix(name, "$"); ok {
			variables = append(variables, variable+"="+value)
			continue
		}
		if name == pgpMessage {
			text = anyMessage.ReplaceAllLiteralString(text, value)
			continue
		}
		if !strings.Contains(text, name) {
			t.Fatalf("the command has no %s", name)
		}
		text = strings.ReplaceAll(text, name, value)
	}
	if left := regexp.MustCompile(`[^$]\{\w+\}|<[\w-]+>`).FindString(text); left != "" {
		t.Fatalf("what stands for %s?\n%s", left, text)
	}
	if strings.HasPrefix(text, "response=$(") && !c.after {
		text += "\nprintf '%s' \"$response\""
	}
	c.shows(s, person, shell(t, text, variables))
}

// anyMessage is an OpenPGP message inside a JSON string.
var anyMessage = regexp.MustCompile(pgpMessage + `.*-----END PGP MESSAGE-----(\\n)?`)

// shell runs a command with the real curl. Its settings, which the command does not
// show, store the head of the answer, and send a method that curl takes for a host,
// because -X is missing, to a closed port.
func shell(t *testing.T, text string, variables []string) answer {
	t.Helper()
	omit.Without(t, 1, "guides", "bash", "curl")
	directory := t.TempDir()
	head := filepath.Join(directory, "head")
	settings := fmt.Sprintf("noproxy = *\ndump-header = %s\nconnect-to = GET::127.0.0.1:1\nconnect-to = POST::127.0.0.1:1\n", head)
	err := os.WriteFile(filepath.Join(directory, ".curlrc"), []byte(settings), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	// A program that only formats an answer need not be installed.
	run := exec.CommandContext(t.Context(), "bash", "-c", "command -v jq >/dev/null || jq() { cat; }\n"+text)
	run.Env = append(os.Environ(), append(variables, "CURL_HOME="+directory)...)
	var output, complaints bytes.Buffer
	run.Stdout, run.Stderr = &output, &complaints
	err = run.Run()
	dumped, headErr := os.ReadFile(head)
	if err != nil || headErr != nil {
		t.Fatalf("%v, %v\n%s\n%s\n%s", err, headErr, text, output.Bytes(), complaints.Bytes())
	}
	return printed(t, text, string(dumped), output.Bytes())
}

// printed returns curl's last answer, from the stored heads and the shell's output.
func printed(t *testing.T, text, heads string, output []byte) answer {
	t.Helper()
	blocks := strings.Split(strings.TrimSpace(heads), "\r\n\r\n")
	lines := strings.Split(blocks[len(blocks)-1], "\r\n")
	got := answer{TB: t, name: text, header: map[string][]string{}, body: output}
	_, err := fmt.Sscanf(lines[0], "HTTP/1.1 %d", &got.status)
	if err != nil {
		t.Fatalf("%q: %v", lines[0], err)
	}
	for _, line := range lines[1:] {
		name, value, _ := strings.Cut(line, ":")
		got.header.Add(name, strings.TrimSpace(value))
	}
	if strings.Contains(text, "curl -ski ") {
		// The output begins with the head.
		_, got.body, _ = bytes.Cut(output, []byte("\r\n\r\n"))
	}
	return got
}
