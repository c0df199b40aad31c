package e2e_test

import (
	"bufio"
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/oxlin/oxlin/internal/omit"
	"github.com/oxlin/oxlin/internal/scenario"
)

// keyed runs a keeper with a key file, and makes the file if it does not exist.
func keyed(t *testing.T, key, socket string, flags ...string) *process {
	t.Helper()
	p := run(t, "keeper", append([]string{"keeper", "--master-key-socket", socket, "--master-key-file", key, "--make-key"}, flags...)...)
	for line := range p.Lines {
		if strings.HasPrefix(line, "keeper ") {
			return p
		}
	}
	log, err := os.ReadFile(p.Log)
	t.Fatalf("the keeper did not start: %v\n%s", err, log)
	return nil
}

// socketIn returns a path for a socket, which is short.
func socketIn(t *testing.T) string {
	t.Helper()
	folder, err := os.MkdirTemp("", "oxlin")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	return filepath.Join(folder, "key")
}

// askFor asks for a page, or posts a form.
func askFor(t *testing.T, address string, form url.Values) (code int, retry, body string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if form != nil {
		request, err = http.NewRequestWithContext(t.Context(), http.MethodPost, address, strings.NewReader(form.Encode()))
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, response.Header.Get("Retry-After"), string(text)
}

// until repeats a look for a minute.
func until(t *testing.T, what string, look func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !look(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within a minute: %s", what)
		}
	}
}

// TestTheKeeperGoesAndComesBack kills the keeper under a platform: its doors answer 503, a
// synchronisation waits, and everything goes on with the next keeper. Nothing else is started anew.
func TestTheKeeperGoesAndComesBack(t *testing.T) {
	t.Parallel()
	bank := testBank(t)
	eachDatabase(t, func(t *testing.T, address string, flags []string) {
		key, socket := filepath.Join(t.TempDir(), "master.key"), socketIn(t)
		serve := with("serve --sandbox --roles api,worker --master-key-socket "+socket, free, flags, []string{"--testbank-url", bank})
		wantRefusal(t, `the keeper of the master key does not answer.*start .oxlin keeper.`, serve...)
		keeper := keyed(t, key, socket)
		p := run(t, "platform", serve...)
		platform := p.where(t, "platform")
		reference, done := joined(t, platform, "reference@example.test", "dev")
		_, err := reference.WaitForConnection(t.Context(), done)
		if err != nil {
			t.Fatal(err)
		}
		want, err := reference.Transactions(t.Context())
		if err != nil || len(want) == 0 {
			t.Fatalf("%d rows (%v)", len(want), err)
		}
		// The keeper dies in the middle of a synchronisation.
		user, connection := joined(t, platform, "jo@example.test", "dev+slow-700")
		err = keeper.End(syscall.SIGKILL)
		if err != nil {
			t.Fatal(err)
		}
		token := url.Values{
			"grant_type": {"password"}, "username": {"jo@example.test"}, "password": {password}, "scope": {"connections_manage"},
			"client_id": {"sandbox-licensed"}, "client_secret": {"sandbox-licensed-secret"},
		}
		code, retry, body := askFor(t, platform+"/token", token)
		if code != http.StatusServiceUnavailable || retry == "" || !strings.Contains(body, "unavailable") {
			t.Errorf("the token endpoint without a keeper: %d, Retry-After %q, %s", code, retry, body)
		}
		until(t, "/readyz tells it", func() bool {
			code, _, body := askFor(t, platform+"/readyz", nil)
			return code == http.StatusServiceUnavailable && strings.Contains(body, "keeper")
		})
		if code, _, _ := askFor(t, platform+"/healthz", nil); code != http.StatusOK {
			t.Errorf("/healthz: %d", code)
		}
		// What needs no key is served, and the job waits.
		time.Sleep(8 * time.Second)
		before, err := user.Connection(t.Context(), connection)
		if err != nil || before.Status != "RUNNING" {
			t.Errorf("without a keeper the connection is %v (%v)", before, err)
		}

		keyed(t, key, socket)
		after, err := user.WaitForConnection(t.Context(), connection)
		if err != nil || after.Status != "SUCCESS" {
			t.Errorf("with a keeper again the connection is %v (%v)", after, err)
		}
		got, err := user.Transactions(t.Context())
		if err != nil || len(got) != len(want) {
			t.Errorf("%d rows, and %d without an interruption (%v)", len(got), len(want), err)
		}
		until(t, "/readyz tells it", func() bool {
			code, _, _ := askFor(t, platform+"/readyz", nil)
			return code == http.StatusOK
		})
		if code, _, body := askFor(t, platform+"/token", token); code != http.StatusOK {
			t.Errorf("the token endpoint with a keeper again: %d %s", code, body)
		}
		p.stop(t)
		log, err := os.ReadFile(p.Log)
		if err != nil {
			t.Fatal(err)
		}
		for line, want := range map[string]int{"keeper of the master key does not answer: what needs it": 1, "keeper of the master key answers again": 1, "level=ERROR": 1} {
			if n := strings.Count(string(log), line); n != want {
				t.Errorf("%d times %q in the log:\n%s", n, line, log)
			}
		}
	})
}

// joined creates a user of a sandbox and connects them to the test bank with a login. It does not
// wait for the rows.
func joined(t *testing.T, platform, email, login string) (user scenario.Session, connection string) {
	t.Helper()
	software := integrator(platform)
	client, err := software.ClientToken(t.Context())
	if err == nil {
		_, err = client.CreateUser(t.Context(), email, password)
	}
	if err == nil {
		user, err = software.UserToken(t.Context(), email, password)
	}
	if err == nil {
		connection, err = atTheBank(t.Context(), user, login)
	}
	if err != nil {
		t.Fatal(err)
	}
	return user, connection
}

// TestTheKeyIsNotInTheProcessThatServes searches the memory of a platform for the raw keys. The same
// search finds them in the keeper, and in a platform that has the key itself.
func TestTheKeyIsNotInTheProcessThatServes(t *testing.T) {
	t.Parallel()
	key, socket := filepath.Join(t.TempDir(), "master.key"), socketIn(t)
	keeper := keyed(t, key, socket)
	serve := func(flags ...string) *process {
		p := run(t, "platform", with("serve --sandbox --data "+t.TempDir(), free, flags)...)
		connected(t, p.where(t, "platform"), "jo@example.test")
		return p
	}
	apart, together := serve("--master-key-socket", socket), serve("--master-key-file", key)
	for name, c := range map[string]struct {
		of    *process
		holds bool
	}{"the keeper": {keeper, true}, "a platform with a keeper": {apart, false}, "a platform with the key": {together, true}} {
		for key, raw := range rawKeys(t, key) {
			found := inMemory(t, c.of.Command.Process.Pid, raw)
			// The key of keyed hashes makes another one at the start, and is not needed any more.
			if found && !c.holds || !found && c.holds && key != "recognition" {
				t.Errorf("%s has the key %s in its memory: %v", name, key, found)
			}
		}
	}
}

// rawKeys returns the secret bytes of the keys in a key file, and of the one that makes keyed hashes.
func rawKeys(t *testing.T, file string) map[string][]byte {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	type keyset struct {
		Key []struct {
			KeyData struct{ Value []byte } `json:"keyData"`
		} `json:"key"`
	}
	var sets map[string]json.RawMessage
	err = json.Unmarshal(text, &sets)
	if err != nil {
		t.Fatal(err)
	}
	keys := map[string][]byte{}
	for _, name := range []string{"sealing", "recognition"} {
		var set keyset
		err := json.Unmarshal(sets[name], &set)
		if err != nil || len(set.Key) != 1 {
			t.Fatalf("%s: %v", name, err)
		}
		value := set.Key[0].KeyData.Value // a message of protocol buffers, which ends with the key
		keys[name] = value[len(value)-32:]
	}
	mac := hmac.New(sha256.New, keys["recognition"])
	mac.Write([]byte("oxlin mac"))
	keys["of hashes"] = mac.Sum(nil)
	return keys
}

// inMemory reports whether the memory of a process has some bytes, as they are or in base64.
func inMemory(t *testing.T, pid int, raw []byte) bool {
	t.Helper()
	folder := filepath.Join("/proc", strconv.Itoa(pid))
	maps, err := os.Open(filepath.Join(folder, "maps"))
	if err != nil {
		omit.Skip(t, 1, "the memory of a process cannot be read")
	}
	defer maps.Close()
	memory, err := os.Open(filepath.Join(folder, "mem"))
	if err != nil {
		omit.Skip(t, 1, "the memory of a process cannot be read")
	}
	defer memory.Close()
	text := []byte(base64.StdEncoding.EncodeToString(raw))
	read := 0
	for lines := bufio.NewScanner(maps); lines.Scan(); {
		if !strings.Contains(lines.Text(), " rw") {
			continue // keys are written
		}
		var from, to int64
		_, err := fmt.Sscanf(lines.Text(), "%x-%x ", &from, &to)
		if err != nil {
			t.Fatal(err)
		}
		const piece = 4 << 20
		for at := from; at < to; at += piece {
			// Pieces overlap, so that a key at their border is found.
			part := make([]byte, min(to-at, piece+64))
			n, err := memory.ReadAt(part, at)
			if err != nil {
				continue // [vvar] and the like
			}
			read += n
			if bytes.Contains(part[:n], raw) || bytes.Contains(part[:n], text[:40]) {
				return true
			}
		}
	}
	if read < 1<<20 {
		t.Fatalf("only %d bytes of memory were read", read)
	}
	return false
}

// TestTheKeysOfAKeeperAreReplaced gives a keeper new keys, brings what is stored under them, and takes
// the older ones away. The commands that would change the key itself are refused where the keeper has it.
func TestTheKeysOfAKeeperAreReplaced(t *testing.T) {
	t.Parallel()
	eachDatabase(t, func(t *testing.T, _ string, flags []string) {
		key, socket := filepath.Join(t.TempDir(), "master.key"), socketIn(t)
		apart := append([]string{"--master-key-socket", socket}, flags...)
		keeper := keyed(t, key, socket)
		sandboxOn(t, apart)
		wantRefusal(t, "the key is the keeper's: run this as the keeper's user", with("rotate-key", apart)...)
		wantRefusal(t, "the keeper has the master key: give this process --master-key-socket alone", with("reseal --master-key-command false", apart)...)

		mustOxlin(t, "rotate-key", "--master-key-file", key)
		keeper.stop(t)
		wantRefusal(t, "the keeper of the master key does not answer.*start .oxlin keeper.", with("reseal", apart)...)
		keeper = keyed(t, key, socket)
		printed := mustOxlin(t, with("reseal --drop-old", apart)...)
		drop := regexp.MustCompile(`oxlin rotate-key --master-key-file FILE (--drop \d+)`).FindStringSubmatch(printed)
		if drop == nil || !strings.Contains(printed, "under the newest key now") {
			t.Fatalf("the older key is not named:\n%s", printed)
		}
		mustOxlin(t, with("rotate-key "+drop[1], []string{"--master-key-file", key})...)
		keeper.stop(t)
		keyed(t, key, socket)
		if printed := mustOxlin(t, with("reseal", apart)...); !strings.Contains(printed, "there is one key alone") {
			t.Errorf("an older key is still there:\n%s", printed)
		}
		p := run(t, "platform", with("serve --sandbox", free, apart)...)
		p.where(t, "platform")
		p.stop(t)
	})
}
