package e2e_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/oxlin/oxlin/internal/scenario"
	"github.com/oxlin/oxlin/internal/store/storetest"
	"github.com/oxlin/oxlin/testbank/robot"
)

// binary is the platform as `make build` builds it.
var binary string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		directory, err := os.MkdirTemp("", "oxlin-e2e-")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(directory)
		binary = filepath.Join(directory, "oxlin")
		build := exec.Command("go", "build", "-buildvcs=false", "-o", binary, "../cmd/oxlin")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		output, err := build.CombinedOutput()
		if err != nil {
			fmt.Fprintf(os.Stderr, "build the binary: %v\n%s", err, output)
			return 1
		}
		return m.Run()
	}())
}

func TestStories(t *testing.T) {
	t.Parallel()
	tell(t, "testdata/stories", func(*testscript.Env) {})
}

// The variable POSTGRES of these stories is the address of a new database.
func TestStoriesOnPostgreSQL(t *testing.T) {
	t.Parallel()
	const stories = "testdata/stories/postgresql"
	files, err := os.ReadDir(stories)
	if err != nil {
		t.Fatal(err)
	}
	// Databases are created here: a story cannot be omitted any more once it runs.
	databases := make(chan string, len(files))
	for range files {
		databases <- storetest.Postgres(t)
	}
	tell(t, stories, func(env *testscript.Env) { env.Setenv("POSTGRES", <-databases) })
}

// tell runs the stories of a directory.
func tell(t *testing.T, directory string, setup func(env *testscript.Env)) {
	testscript.Run(t, testscript.Params{
		Dir: directory,
		Setup: func(env *testscript.Env) error {
			env.Setenv("PATH", filepath.Dir(binary)+string(filepath.ListSeparator)+os.Getenv("PATH"))
			env.Setenv("DATA", filepath.Join(env.WorkDir, "data"))
			setup(env)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"start":    start,
			"end":      func(ts *testscript.TestScript, _ bool, args []string) { end(ts, args, syscall.SIGTERM) },
			"crash":    func(ts *testscript.TestScript, _ bool, args []string) { end(ts, args, syscall.SIGKILL) },
			"get":      get,
			"connect":  connect,
			"type":     typeIn,
			"asked":    asked,
			"answer":   answerQuestion,
			"await":    await,
			"count":    count,
			"scenario": playScenario,
		},
	})
}

// start NAME [FLAGS]: runs a sandbox and sets NAME to its address, and $bank to that
// of its test bank if it runs one.
func start(ts *testscript.TestScript, neg bool, args []string) {
	name := args[0]
	flags := append([]string{"serve", "--sandbox", "--testbank-control", "--data", ts.Getenv("DATA")}, args[1:]...)
	if database := ts.Getenv("OXLIN_DATABASE"); database != "" { // of the story, not of this process
		flags = append(flags, "--database", database)
	}
	p, err := launch(ts.MkAbs(name+".log"), flags...)
	ts.Check(err)
	ts.Defer(p.Abandon)
	address, err := p.Address("platform")
	ts.Check(err)
	ts.Setenv(name, address)
	if !slices.Contains(args, "--testbank-url") {
		address, err := p.Address("test bank")
		ts.Check(err)
		ts.Setenv("bank", address)
	}
	nodes.Store(nodeOf(ts, name), p)
}

// nodes maps working directories of stories to their running platforms.
var nodes sync.Map

func nodeOf(ts *testscript.TestScript, name string) string { return ts.Getenv("WORK") + "/" + name }

// end stops a node.
func end(ts *testscript.TestScript, args []string, signal syscall.Signal) {
	found, ok := nodes.Load(nodeOf(ts, args[0]))
	if !ok {
		ts.Fatalf("no platform %q was started", args[0])
	}
	ts.Check(found.(*process).End(signal))
}

// get URL STATUS: asks and compares the status.
func get(ts *testscript.TestScript, neg bool, args []string) {
	response, err := http.Get(args[0])
	ts.Check(err)
	response.Body.Close()
	if got := strconv.Itoa(response.StatusCode); got != args[1] {
		ts.Fatalf("GET %s: HTTP %s, want %s", args[0], got, args[1])
	}
}

// connect PLATFORM EMAIL LOGIN: creates the user and connects them to the test
// bank; the connection's id is in $connection.
func connect(ts *testscript.TestScript, neg bool, args []string) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	i := integrator(args[0])
	client, err := i.ClientToken(ctx)
	ts.Check(err)
	_, err = client.CreateUser(ctx, args[1], password)
	ts.Check(err)
	user, err := i.UserToken(ctx, args[1], password)
	ts.Check(err)
	id, err := atTheBank(ctx, user, args[2])
	ts.Check(err)
	ts.Setenv("connection", id)
}

// atTheBank sends a user to the bank and returns the connection of their return.
func atTheBank(ctx context.Context, user scenario.Session, login string) (string, error) {
	address, err := user.AuthorizeURL(ctx, "87", "8701", "https://integrator.example/return?mine=1")
	if err != nil {
		return "", err
	}
	answers := robot.Dev()
	answers["login"] = login
	callback, err := robot.LogIn(ctx, address, answers)
	if err != nil {
		return "", err
	}
	back, err := user.Integrator.FollowCallback(ctx, callback)
	if err != nil {
		return "", err
	}
	answer := back.Query()
	if answer.Get("status") != "success" || answer.Get("mine") != "1" || answer.Get("queue_id") == "" {
		return "", fmt.Errorf("the user comes back with %s", back)
	}
	return answer.Get("connection_id"), nil
}

// type PLATFORM EMAIL LOGIN: adds the EMBEDDED channel to $connection with what the
// user types, the password encrypted.
func typeIn(ts *testscript.TestScript, neg bool, args []string) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	user, err := integrator(args[0]).UserToken(ctx, args[1], password)
	ts.Check(err)
	queue, err := user.Subscribe(ctx)
	ts.Check(err)
	key, err := user.CreateKey(ctx)
	ts.Check(err)
	encrypted, err := scenario.Encrypt(key.PublicKey, "dev")
	ts.Check(err)
	ts.Check(user.SetChannel(ctx, ts.Getenv("connection"), "8700", key.ID,
		[]scenario.Credential{{ID: "300", Value: args[2]}, {ID: "301", Value: encrypted}}))
	ts.Setenv("queue", queue)
}

// asked PLATFORM EMAIL CHALLENGE: waits for the question with that challenge.
func asked(ts *testscript.TestScript, neg bool, args []string) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	user, err := integrator(args[0]).UserToken(ctx, args[1], password)
	ts.Check(err)
	for {
		events, err := user.Poll(ctx, ts.Getenv("queue"))
		ts.Check(err)
		for _, event := range events {
			if slices.ContainsFunc(event.Question(), func(c scenario.Challenge) bool { return c.ID == args[2] }) {
				return
			}
		}
		select {
		case <-ctx.Done():
			ts.Fatalf("nobody asked for %s", args[2])
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// answer PLATFORM EMAIL CHALLENGE=VALUE...: answers the question.
func answerQuestion(ts *testscript.TestScript, neg bool, args []string) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	user, err := integrator(args[0]).UserToken(ctx, args[1], password)
	ts.Check(err)
	var answers []scenario.Credential
	for _, answer := range args[2:] {
		id, value, _ := strings.Cut(answer, "=")
		answers = append(answers, scenario.Credential{ID: id, Value: value})
	}
	ts.Check(user.Answer(ctx, ts.Getenv("connection"), "8700", answers))
}

// await PLATFORM EMAIL STATUS: waits until the connection does not run, and compares.
func await(ts *testscript.TestScript, neg bool, args []string) {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	user, err := integrator(args[0]).UserToken(ctx, args[1], password)
	ts.Check(err)
	connection, err := user.WaitForConnection(ctx, ts.Getenv("connection"))
	ts.Check(err)
	if connection.Status != args[2] {
		ts.Fatalf("the connection is %+v, want %s", connection, args[2])
	}
}

// count PLATFORM EMAIL VARIABLE: counts the user's transactions, which have to be
// different ones.
func count(ts *testscript.TestScript, neg bool, args []string) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	user, err := integrator(args[0]).UserToken(ctx, args[1], password)
	ts.Check(err)
	transactions, err := user.Transactions(ctx)
	ts.Check(err)
	seen := map[string]bool{}
	for _, t := range transactions {
		if seen[t.ID] {
			ts.Fatalf("transaction %s is on two pages", t.ID)
		}
		seen[t.ID] = true
	}
	ts.Setenv(args[2], strconv.Itoa(len(transactions)))
}

// playScenario implements "scenario LOGIN NAME [PARAM]": the test bank plays a named
// scenario for a login.
func playScenario(ts *testscript.TestScript, neg bool, args []string) {
	form := fmt.Sprintf(`{"login": %q, "scenario": %q}`, args[0], args[1])
	if len(args) > 2 {
		form = fmt.Sprintf(`{"login": %q, "scenario": %q, "param": %q}`, args[0], args[1], args[2])
	}
	response, err := http.Post(ts.Getenv("bank")+"/control/scenario", "application/json", strings.NewReader(form))
	ts.Check(err)
	response.Body.Close()
	if response.StatusCode/100 != 2 {
		ts.Fatalf("scenario: HTTP %d", response.StatusCode)
	}
}
