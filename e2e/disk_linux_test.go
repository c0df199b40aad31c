package e2e_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/google/go-cmp/cmp"

	"github.com/oxlin/oxlin/e2e/journey"
	"github.com/oxlin/oxlin/internal/omit"
)

// lines is the log of a process whose disk may be full.
type lines struct {
	mutex sync.Mutex
	text  bytes.Buffer
}

func (l *lines) Write(text []byte) (int, error) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.text.Write(text)
}

func (l *lines) String() string {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.text.String()
}

// disk is where a platform writes. The platform's command is made for it. full takes its space, and
// the returned function gives it back.
type disk struct {
	directory string
	command   func(name string, args ...string) *exec.Cmd
	full      func(t *testing.T, pid int) (again func())
}

// limited is a disk whose files cannot grow: a limit of the process stands for the end of the
// space, on each Linux and without rights.
func limited(t *testing.T) disk {
	return disk{t.TempDir(), exec.Command, func(t *testing.T, pid int) func() {
		limit := func(bytes uint64) {
			t.Helper()
			both := [2]uint64{bytes, ^uint64(0)}
			_, _, errno := syscall.RawSyscall6(syscall.SYS_PRLIMIT64, uintptr(pid), syscall.RLIMIT_FSIZE, uintptr(unsafe.Pointer(&both)), 0, 0, 0)
			if errno != 0 {
				t.Fatal(errno)
			}
		}
		limit(0)
		return func() { limit(^uint64(0)) }
	}}
}

// small is a file system of a few megabytes that a file fills. The platform has it in a mount
// namespace of its own, below a user namespace, so that it takes no rights to mount it. A machine
// that allows neither leaves the case out.
func small(t *testing.T) disk {
	directory := t.TempDir()
	// The shell mounts, and becomes the program that its arguments name.
	command := func(name string, args ...string) *exec.Cmd {
		script := `mount -t tmpfs -o size=48m none "$0" && exec "$@"`
		c := exec.Command("/bin/sh", append([]string{"-c", script, directory, name}, args...)...)
		c.SysProcAttr = &syscall.SysProcAttr{
			Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
			UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
			GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
		}
		return c
	}
	output, err := command("true").CombinedOutput()
	if err != nil {
		omit.Skip(t, 1, fmt.Sprintf("this machine allows no file system in a user namespace (sysctl user.max_user_namespaces, AppArmor): %v %s", err, bytes.TrimSpace(output)))
	}
	return disk{directory, command, func(t *testing.T, pid int) func() {
		ballast := filepath.Join("/proc", strconv.Itoa(pid), "root", directory, "ballast")
		file, err := os.Create(ballast)
		if err != nil {
			t.Fatal(err)
		}
		_, err = io.Copy(file, zeros{})
		if !errors.Is(err, syscall.ENOSPC) {
			t.Fatalf("the disk is not full: %v", err)
		}
		file.Close()
		return func() {
			err := os.Remove(ballast)
			if err != nil {
				t.Error(err)
			}
		}
	}}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

// While the disk is full, what needs a write is 503 unavailable with Retry-After, and what does not
// is answered. A synchronisation that runs goes on when there is space again, without a restart. The
// log has a line of the beginning and one of the end.
func TestAFullDisk(t *testing.T) {
	t.Parallel()
	t.Run("a limit of the process", func(t *testing.T) {
		t.Parallel()
		fillDisk(t, limited(t))
	})
	t.Run("a file system", func(t *testing.T) {
		t.Parallel()
		fillDisk(t, small(t))
	})
}

func fillDisk(t *testing.T, d disk) {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	data, log, address := filepath.Join(d.directory, "data"), &lines{}, freeAddress(t)
	command := d.command(binary, "serve", "--sandbox", "--roles", "api,worker", "--data", data, "--listen", address, "--testbank-url", testBank(t))
	command.Stderr = log
	err := errors.Join(sources(), command.Start())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait()
	})
	base := "http://" + address
	soon(t, "ready", func() bool { return status(base+"/readyz") == http.StatusOK })
	software := integrator(base)
	first, err := journey.Travel(ctx, software, "first@example.test", journey.Dev, false, func() {})
	if err != nil {
		t.Fatalf("%v\n%s", err, log)
	}
	want, err := first.Brought(ctx)
	if err != nil {
		t.Fatal(err)
	}
	second, err := journey.Arrive(ctx, software, "second@example.test", password, journey.Customer{Login: "dev+slow-400", Password: "dev", Code: "123456"})
	if err == nil {
		err = second.ConnectByRedirect(ctx)
	}
	if err != nil {
		t.Fatal(err)
	}

	again := d.full(t, command.Process.Pid)
	soon(t, "not ready", func() bool {
		answer := token(t, base)
		return answer.status == http.StatusServiceUnavailable && status(base+"/readyz") == http.StatusServiceUnavailable
	})
	for range 30 {
		answer := token(t, base)
		if answer.status != http.StatusServiceUnavailable || answer.retry == "" || !strings.Contains(answer.body, `"unavailable"`) {
			t.Fatalf("a write: %+v", answer)
		}
		got, err := journey.Belongings(ctx, first.User)
		if err != nil || cmp.Diff(want, got) != "" {
			t.Fatalf("a read: %v %s", err, cmp.Diff(want, got))
		}
		time.Sleep(100 * time.Millisecond)
	}
	again()
	soon(t, "ready again", func() bool { return status(base+"/readyz") == http.StatusOK })
	err = second.Converse(ctx)
	if err == nil {
		err = second.AddEmbedded(ctx)
	}
	if err == nil {
		err = second.Converse(ctx)
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, log)
	}
	got, err := second.Brought(ctx)
	if err != nil || cmp.Diff(want, got) != "" {
		t.Errorf("the journey that the full disk interrupted: %v %s", err, cmp.Diff(want, got))
	}
	got, err = journey.Belongings(ctx, first.User)
	if err != nil || cmp.Diff(want, got) != "" {
		t.Errorf("what was there before: %v %s", err, cmp.Diff(want, got))
	}
	text := log.String()
	for _, line := range []string{"the database does not serve", "the database serves again"} {
		if strings.Count(text, line) != 1 {
			t.Errorf("%d lines with %q", strings.Count(text, line), line)
		}
	}
	if n := strings.Count(text, "level=ERROR") + strings.Count(text, " ERROR "); n != 1 {
		t.Errorf("%d errors in the log:\n%s", n, errorsOf(text))
	}
}

// errorsOf returns the warnings and errors of a log.
func errorsOf(log string) string {
	var found []string
	for _, line := range strings.Split(log, "\n") {
		if strings.Contains(line, "ERROR") || strings.Contains(line, "WARN") {
			found = append(found, line)
		}
	}
	return strings.Join(found, "\n")
}

// doorAnswer is the answer of a door.
type doorAnswer struct {
	status      int
	retry, body string
}

// token asks for a token, which is a write.
func token(t *testing.T, base string) doorAnswer {
	t.Helper()
	response, err := http.PostForm(base+"/token", url.Values{
		"grant_type": {"client_credentials"}, "client_id": {"sandbox"}, "client_secret": {"sandbox-secret"},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return doorAnswer{response.StatusCode, response.Header.Get("Retry-After"), string(body)}
}

// status returns the status of an address, 0 without an answer.
func status(address string) int {
	response, err := http.Get(address)
	if err != nil {
		return 0
	}
	response.Body.Close()
	return response.StatusCode
}

// soon repeats a look until it is true.
func soon(t *testing.T, what string, look func() bool) {
	t.Helper()
	for range 300 {
		if look() {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatalf("not within 30 seconds: %s", what)
}
