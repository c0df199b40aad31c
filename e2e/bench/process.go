package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// process is a server that was started to be measured, or that the measured one calls.
type process struct {
	command *exec.Cmd
	address string
	// ready is how long it took from the start to the first answer.
	ready time.Duration
	// profiles is the address of its profiles; empty without.
	profiles string
	log      string
	ended    func() error
}

// start runs a server, appends its log to a file and waits until it is ready. The server prints
// its address behind a label.
func start(ctx context.Context, log, label, program string, args ...string) (*process, error) {
	command := exec.CommandContext(ctx, program, args...)
	command.Cancel = func() error { return command.Process.Signal(syscall.SIGTERM) }
	file, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	command.Stderr = file
	output, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	begun := time.Now()
	err = command.Start()
	if err != nil {
		return nil, err
	}
	p := &process{command: command, log: log, ended: sync.OnceValue(func() error {
		return errors.Join(command.Process.Signal(syscall.SIGTERM), command.Wait())
	})}
	lines := bufio.NewScanner(output)
	for p.address == "" {
		if !lines.Scan() {
			return nil, errors.Join(fmt.Errorf("%s printed no address; its log is:\n%s", program, tail(log)), p.end())
		}
		name, address, _ := strings.Cut(lines.Text(), "http")
		if strings.TrimSpace(name) == label {
			p.address = "http" + address
		}
	}
	go io.Copy(io.Discard, output) // it must never wait for a reader
	response, err := http.Get(p.address + "/readyz")
	if err != nil {
		return nil, errors.Join(err, p.end())
	}
	p.ready = time.Since(begun)
	response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, errors.Join(fmt.Errorf("%s: /readyz: %s", label, response.Status), p.end())
	}
	return p, nil
}

// end stops the server, once, and waits for it.
func (p *process) end() error { return p.ended() }

// tail returns the end of a log.
func tail(log string) string {
	text, err := os.ReadFile(log)
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-2000):])
}

// host is the process's address without its scheme.
func (p *process) host() string { return strings.TrimPrefix(p.address, "http://") }

func (p *process) proc(name string) ([]byte, error) {
	return os.ReadFile(filepath.Join("/proc", strconv.Itoa(p.command.Process.Pid), name))
}

// cpu is the processor time that the process has used so far. The scheduler counts it in
// nanoseconds for each thread; /proc/PID/stat counts in hundredths of a second.
func (p *process) cpu() (time.Duration, error) {
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", p.command.Process.Pid))
	if err != nil || len(threads) == 0 {
		return 0, errors.Join(errors.New("/proc has no schedstat"), err)
	}
	var total time.Duration
	for _, thread := range threads {
		text, err := os.ReadFile(thread)
		if err != nil {
			continue // the thread has ended
		}
		used, _, _ := strings.Cut(string(text), " ")
		nanoseconds, err := strconv.ParseInt(used, 10, 64)
		if err != nil {
			return 0, err
		}
		total += time.Duration(nanoseconds)
	}
	return total, nil
}

// number finds "name: number" in a file of /proc, and adds the numbers of all given names.
func (p *process) number(file string, names ...string) (float64, error) {
	text, err := p.proc(file)
	if err != nil {
		return 0, err
	}
	total, found := 0.0, 0
	for line := range bytes.Lines(text) {
		fields := strings.Fields(string(line))
		for _, name := range names {
			if len(fields) < 2 || fields[0] != name+":" {
				continue
			}
			n, err := strconv.ParseFloat(fields[1], 64)
			if err != nil {
				return 0, err
			}
			total, found = total+n, found+1
		}
	}
	if found != len(names) {
		return 0, fmt.Errorf("/proc/%d/%s does not have %v", p.command.Process.Pid, file, names)
	}
	return total, nil
}

// memory is the private memory in MB that the process has written to. The pages of its program's
// file are private as well while no second process runs it, but the kernel may drop them.
func (p *process) memory() (float64, error) {
	kilobytes, err := p.number("smaps_rollup", "Private_Dirty")
	return kilobytes / 1024, err
}

// written is how many kB the process has given to the disk so far.
func (p *process) written() (float64, error) {
	bytes, err := p.number("io", "write_bytes")
	return bytes / 1000, err
}
