package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/oxlin/oxlin/e2e/process"
	"github.com/oxlin/oxlin/internal/scenario"
	"github.com/oxlin/oxlin/internal/store/postgrestest"
)

// world is a platform with its bank and its users, for one fault.
type world struct {
	fault    fault
	settings settings
	result   *result
	words    *secrets
	people   *people
	way      *way
	front    *front
	bank     *process.Process
	server   *postgrestest.Server
	folder   string
	database string
	nodes    []*node
	random   *rand.Rand
}

// node is a process of the platform, which may be killed and started again.
type node struct {
	address string
	log     string
	command func() *exec.Cmd

	mutex   sync.Mutex
	process *process.Process
}

func (n *node) start() error {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	file, err := os.OpenFile(n.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	command := n.command()
	// The node writes to a pipe, because a limit on the size of its files would cut its log off.
	command.Stderr = struct{ io.Writer }{file}
	n.process, err = process.Begin(n.log, command)
	if err == nil {
		_, err = n.process.Address("platform")
	}
	return err
}

func (n *node) end(signal syscall.Signal) error {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	return n.process.End(signal)
}

func (n *node) abandon() {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	if n.process != nil {
		n.process.Abandon()
	}
}

// begin starts all parts of a world. The caller closes it also after an error.
func begin(s settings, f fault, folder string, journeys int) (*world, error) {
	w := &world{
		fault: f, settings: s, result: newResult(f.name, journeys), words: newSecrets(), folder: folder,
		random: rand.New(rand.NewPCG(s.seed, 1<<41)),
	}
	err := os.MkdirAll(folder, 0o700)
	if err != nil {
		return w, err
	}
	w.people = newPeople(s.seed, journeys)
	for _, one := range w.people.all {
		w.words.add(one.password)
	}
	w.front = newFront(w.result, f.hostile != nil)
	w.way, err = newWay(s.seed, w.result, w.words, f.hostile)
	if err != nil {
		return w, err
	}
	listen, err := process.FreeAddress()
	if err != nil {
		return w, err
	}
	err = w.way.to("http://" + listen)
	if err != nil {
		return w, err
	}
	w.bank, err = process.Launch(filepath.Join(folder, "bank.log"), s.binary, "testbank", "--listen", listen,
		"--public-url", w.way.server.URL, "--allow-private-file-urls")
	if err == nil {
		_, err = w.bank.Address("test bank")
	}
	if err != nil {
		return w, err
	}
	w.database = "sqlite:" + filepath.Join(folder, "oxlin.db")
	if f.postgres {
		w.server, err = postgrestest.Start(true)
		if err == nil {
			err = w.server.Create("faults", "template0")
		}
		if err != nil {
			return w, err
		}
		w.database = w.server.Address("faults")
	}
	return w, w.populate(max(1, f.nodes))
}

// populate starts the nodes.
func (w *world) populate(nodes int) error {
	signer, err := trusted()
	if err != nil {
		return err
	}
	authority := filepath.Join(w.folder, "authority.pem")
	err = os.WriteFile(authority, signer.pem, 0o600)
	if err != nil {
		return err
	}
	for i := range nodes {
		address, err := process.FreeAddress()
		if err != nil {
			return err
		}
		n := &node{address: address, log: filepath.Join(w.folder, fmt.Sprintf("node-%d.log", i))}
		n.command = func() *exec.Cmd {
			command := exec.Command(w.settings.binary, "serve", "--sandbox", "--roles", "api,worker", "--data", w.folder, "--database", w.database,
				"--listen", address, "--public-url", w.front.server.URL, "--testbank-url", w.way.server.URL)
			if w.fault.hostile != nil {
				command.Env = append(os.Environ(), "SSL_CERT_FILE="+authority)
			}
			return command
		}
		w.nodes = append(w.nodes, n)
		err = n.start()
		if err != nil {
			return err
		}
	}
	w.front.nodes.Store(&w.nodes)
	return nil
}

// close ends what still runs.
func (w *world) close() {
	for _, n := range w.nodes {
		n.abandon()
	}
	if w.bank != nil {
		w.bank.Abandon()
	}
	if w.way != nil {
		w.way.server.CloseClientConnections()
		w.way.server.Close()
	}
	if w.front != nil {
		w.front.server.CloseClientConnections()
		w.front.server.Close()
	}
	if w.people != nil {
		w.people.web.Close()
	}
	if w.server != nil {
		err := w.server.Close()
		if err != nil {
			w.settings.say("PostgreSQL ends with: %v", err)
		}
	}
}

// integrator is the software of the integrator, for a user with a network of their own.
func (w *world) integrator(number int, through http.RoundTripper) scenario.Integrator {
	return scenario.Integrator{
		Platform: w.front.server.URL, ClientID: "sandbox-licensed", ClientSecret: "sandbox-licensed-secret",
		HTTP: &http.Client{Transport: present{fmt.Sprintf("2001:db8:%x::1", number+1), through}},
	}
}

// present tells the platform that the user is there, and from where.
type present struct {
	address string
	next    http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (p present) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("PSU-IP-Address", p.address)
	return p.next.RoundTrip(r)
}

// ready waits until each node serves.
func (w *world) ready(ctx context.Context) error {
	for _, n := range w.nodes {
		for {
			r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+n.address+"/readyz", nil)
			if err != nil {
				return err
			}
			answer, err := inner.RoundTrip(r)
			if err == nil {
				_ = answer.Body.Close()
				if answer.StatusCode == http.StatusOK {
					break
				}
			}
			select {
			case <-ctx.Done():
				return errors.Join(fmt.Errorf("%s does not become ready", n.address), ctx.Err())
			case <-time.After(50 * time.Millisecond):
			}
		}
	}
	return nil
}

// secrets are words that no log may show.
type secrets struct {
	mutex sync.Mutex
	words map[string]bool
}

func newSecrets() *secrets {
	return &secrets{words: map[string]bool{"sandbox-licensed-secret": true}}
}

func (s *secrets) add(words ...string) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for _, word := range words {
		if len(word) >= 16 {
			s.words[word] = true
		}
	}
}

var (
	wordOfALog = regexp.MustCompile(`[\w.~-]{16,}`)
	alarming   = regexp.MustCompile(`panic|DATA RACE|fatal error:|goroutine \d+ \[`)
)

// readLogs looks for secrets, panics and races in the logs of the nodes.
func (w *world) readLogs() error {
	lines := 0
	for _, n := range w.nodes {
		file, err := os.Open(n.log)
		if err != nil {
			return err
		}
		defer file.Close()
		scanner := bufio.NewScanner(file)
		scanner.Buffer(nil, 1<<20)
		for scanner.Scan() {
			lines++
			line := scanner.Text()
			if alarming.MatchString(line) {
				w.result.violate(everyJourney, "the log of a node has: %.300s", line)
			}
			for _, word := range wordOfALog.FindAllString(line, -1) {
				if w.words.words[word] {
					w.result.violate(everyJourney, "the log of a node has a secret: %.300s", strings.ReplaceAll(line, word, "[the secret]"))
				}
			}
		}
		err = scanner.Err()
		if err != nil {
			return err
		}
	}
	if lines == 0 {
		return errors.New("the nodes have no log")
	}
	return nil
}
