package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// process is a server that was started to be measured.
type process struct {
	command *exec.Cmd
	address string
	// ready is how long it took from the start to the first answer.
	ready time.Duration
}

// start runs a server and waits until it is ready. The server prints its address
// as "platform ADDRESS".
func start(ctx context.Context, program string, args ...string) (*process, error) {
	command := exec.CommandContext(ctx, program, args...)
	command.Stderr = os.Stderr
	output, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	begun := time.Now()
	err = command.Start()
	if err != nil {
		return nil, err
	}
	p := &process{command: command}
	lines := bufio.NewScanner(output)
	for p.address == "" {
		if !lines.Scan() {
			return nil, errors.Join(fmt.Errorf("%s printed no address", program), p.end())
		}
		address, ok := strings.CutPrefix(lines.Text(), "platform ")
		if ok {
			p.address = strings.TrimSpace(address)
		}
	}
	go io.Copy(io.Discard, output) // it must never wait for a reader
	response, err := http.Get(p.address + "/readyz")
	if err != nil {
		return nil, errors.Join(err, p.end())
	}
	response.Body.Close()
	p.ready = time.Since(begun)
	if response.StatusCode != http.StatusOK {
		return nil, errors.Join(fmt.Errorf("/readyz: %s", response.Status), p.end())
	}
	return p, nil
}

// end stops the server and waits for it.
func (p *process) end() error {
	err := p.command.Process.Signal(syscall.SIGTERM)
	if err != nil {
		return err // it has ended already
	}
	return p.command.Wait()
}

// memory is the resident memory in MB.
func (p *process) memory() (float64, error) {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(p.command.Process.Pid), "status"))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		if len(fields) > 1 && fields[0] == "VmRSS:" {
			kilobytes, err := strconv.ParseFloat(fields[1], 64)
			return kilobytes / 1024, err
		}
	}
	return 0, errors.New("/proc tells no VmRSS")
}

// idle is how long a process is left alone before its memory is looked at.
const idle = 3 * time.Second

// startPlatform starts a sandbox with what its flags say beyond the usual.
func startPlatform(ctx context.Context, s settings, directory, database string, flags ...string) (*process, error) {
	return start(ctx, s.binary, append([]string{"--log-level=WARN", "serve", "--sandbox", "--allow-private-file-urls", "--data=" + directory,
		"--database=" + database, "--listen=127.0.0.1:0", "--testbank-listen=127.0.0.1:0", "--user-limit=100000", "--client-limit=100000"}, flags...)...)
}

// startMeasured starts the platform several times on one database, for the time
// that it takes, and leaves the last one running.
func startMeasured(ctx context.Context, s settings, directory, database string) (*process, []figure, error) {
	p, err := startPlatform(ctx, s, directory, database)
	if err != nil {
		return nil, nil, err
	}
	first := p.ready
	again, bareAgain := []time.Duration{}, []time.Duration{}
	var bareMemory float64
	for range 5 {
		err := p.end()
		if err != nil {
			return nil, nil, err
		}
		p, err = startPlatform(ctx, s, directory, database)
		if err != nil {
			return nil, nil, err
		}
		again = append(again, p.ready)
		bare, err := startBare(ctx, 0)
		if err != nil {
			return nil, nil, errors.Join(err, p.end())
		}
		bareAgain = append(bareAgain, bare.ready)
		time.Sleep(idle / 5)
		bareMemory, err = bare.memory()
		err = errors.Join(err, bare.end())
		if err != nil {
			return nil, nil, errors.Join(err, p.end())
		}
	}
	time.Sleep(idle)
	memory, err := p.memory()
	if err != nil {
		return nil, nil, errors.Join(err, p.end())
	}
	const ceiling = "a bare Go server"
	return p, []figure{
		{"start-up, new database", milliseconds(first), median(bareAgain), "ms", "%.0f", ceiling},
		{"start-up, known database", median(again), median(bareAgain), "ms", "%.0f", ceiling},
		{"idle memory", memory, bareMemory, "MB", "%.1f", ceiling},
	}, nil
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func median(times []time.Duration) float64 {
	slices.Sort(times)
	return milliseconds(times[len(times)/2])
}
