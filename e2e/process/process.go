// Package process runs the binary as a process of its own, as its users do: it starts it,
// waits for its addresses, and ends it gracefully or not.
//
// It must never import a room of the platform. Start reading at Launch.
package process

import (
	"bufio"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
)

// Process is a run of the binary.
type Process struct {
	Command *exec.Cmd
	// Log is the file of its log.
	Log string
	// Lines are the lines of its standard output; it waits while 16 of them are unread.
	Lines chan string
}

// Launch runs the binary and appends its log to a file.
func Launch(log, binary string, args ...string) (*Process, error) {
	return Begin(log, exec.Command(binary, args...))
}

// Begin starts a command that runs the binary and appends its log to a file, unless the
// command has another use for it.
func Begin(log string, command *exec.Cmd) (*Process, error) {
	p := &Process{Command: command, Log: log, Lines: make(chan string, 16)}
	output, err := p.Command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if p.Command.Stderr == nil {
		file, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			return nil, err
		}
		defer file.Close()
		p.Command.Stderr = file
	}
	err = p.Command.Start()
	if err != nil {
		return nil, err
	}
	go func() {
		for scanner := bufio.NewScanner(output); scanner.Scan(); {
			p.Lines <- scanner.Text()
		}
		close(p.Lines)
	}()
	return p, nil
}

// Address waits until the process has printed the address of a part.
func (p *Process) Address(label string) (string, error) {
	for line := range p.Lines {
		name, address, _ := strings.Cut(line, "http")
		if strings.TrimSpace(name) == label {
			return "http" + address, nil
		}
	}
	log, err := os.ReadFile(p.Log)
	return "", fmt.Errorf("the process did not start: %v\n%s", err, log)
}

// End stops the process: after SIGTERM it must exit without an error.
func (p *Process) End(signal syscall.Signal) error {
	err := p.Command.Process.Signal(signal)
	if err != nil {
		return err
	}
	for range p.Lines {
	}
	err = p.Command.Wait()
	if signal == syscall.SIGTERM && err != nil {
		log, _ := os.ReadFile(p.Log)
		return fmt.Errorf("the process ended badly: %w\n%s", err, log)
	}
	return nil
}

// Abandon kills a process that may still run.
func (p *Process) Abandon() {
	if p.Command.ProcessState == nil {
		_ = p.End(syscall.SIGKILL)
	}
}

// FreeAddress returns an unused address, below the ports that the system gives to
// outgoing connections, so that it is still free after a restart.
func FreeAddress() (string, error) {
	for range 100 {
		listener, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(20000+rand.IntN(12000)))
		if err != nil {
			continue
		}
		return listener.Addr().String(), listener.Close()
	}
	return "", errors.New("no port is free")
}
