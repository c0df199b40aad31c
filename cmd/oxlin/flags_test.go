package main

import (
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/alexflint/go-arg"
	"github.com/google/go-cmp/cmp"

	"github.com/oxlin/oxlin/internal/notify"
)

// eachFlag visits the fields of a command and of the commands below it.
func eachFlag(t reflect.Type, visit func(reflect.StructField)) {
	for i := range t.NumField() {
		field := t.Field(i)
		switch {
		case field.Anonymous:
			eachFlag(field.Type, visit)
		case field.Type.Kind() == reflect.Pointer:
			visit(field)
			eachFlag(field.Type.Elem(), visit)
		default:
			visit(field)
		}
	}
}

func TestEveryFlagHasAVariableOfItsName(t *testing.T) {
	flag := regexp.MustCompile(`^--([a-z]+(?:-[a-z]+)*),env:(OXLIN_[A-Z_]+)(?:,separate)?$`)
	other := regexp.MustCompile(`^(?:subcommand:[a-z]+(?:-[a-z]+)*|positional,required)$`)
	eachFlag(grow(reflect.TypeFor[commands](), notify.Ways()), func(field reflect.StructField) {
		name := field.Tag.Get("arg")
		match := flag.FindStringSubmatch(name)
		switch {
		case match == nil && !other.MatchString(name):
			t.Errorf("%s: %q is neither a flag with its variable, nor a subcommand or an argument", field.Name, name)
		case match != nil && match[2] != "OXLIN_"+strings.ToUpper(strings.ReplaceAll(match[1], "-", "_")):
			t.Errorf("--%s has the variable %s", match[1], match[2])
		case field.Tag.Get("help") == "":
			t.Errorf("%s has no help", field.Name)
		}
	})
}

func TestFlags(t *testing.T) {
	home, directory := t.TempDir(), t.TempDir()
	t.Setenv("HOME", home)
	file := filepath.Join(directory, "key.pem")
	err := os.WriteFile(file, nil, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name      string
		variables map[string]string
		arguments string
		got       func(*serveCommand) any
		want      any // a part of the fault if got is absent
	}{
		{"a default", nil, "", func(c *serveCommand) any { return c.Workers }, 24},
		{"a flag", nil, "--workers 3", func(c *serveCommand) any { return c.Workers }, 3},
		{"a variable", map[string]string{"OXLIN_WORKERS": "4"}, "", func(c *serveCommand) any { return c.Workers }, 4},
		{"a flag and a variable", map[string]string{"OXLIN_WORKERS": "4"}, "--workers=3", func(c *serveCommand) any { return c.Workers }, 3},
		{"a switch", map[string]string{"OXLIN_SANDBOX": "true"}, "", func(c *serveCommand) any { return c.Sandbox }, true},
		{"the first roles", nil, "", func(c *serveCommand) any { return c.Roles }, roleList{"api", "worker", "testbank"}},
		{"other roles", nil, "--roles worker,api", func(c *serveCommand) any { return c.Roles }, roleList{"worker", "api"}},
		{"repeated roles", nil, "--roles worker --roles api", func(c *serveCommand) any { return c.Roles }, roleList{"worker", "api"}},
		{"an unknown role", nil, "--roles cook", nil, `"cook" is none of the roles api, worker, testbank`},
		{"a repeated list", nil, "--allowed-host a,b --allowed-host c", func(c *serveCommand) any { return c.AllowedHost }, wordList{"a", "b", "c"}},
		{"a secret", map[string]string{"OXLIN_CONSOLE_PASSWORD": "swordfish"}, "", func(c *serveCommand) any { return c.ConsolePassword.String() }, "[redacted]"},
		{"a path at home", nil, "--data ~/bank", func(c *serveCommand) any { return c.Data }, filePath(filepath.Join(home, "bank"))},
		{"a file", nil, "--tls-key " + file, func(c *serveCommand) any { return c.TLSKey }, existingFile(file)},
		{"a file that is none", nil, "--tls-key " + directory, nil, "is a directory"},
		{"a file that does not exist", nil, "--tls-key " + file + ".old", nil, "no such file"},
		{"a directory", nil, "--logos " + directory, func(c *serveCommand) any { return c.Logos }, existingDirectory(directory)},
		{"a directory that is none", nil, "--logos " + file, nil, "is no directory"},
		{"no number", nil, "--workers many", nil, "--workers"},
		{"an unknown flag", nil, "--cook", nil, "--cook"},
		{"an argument too many", nil, "now", nil, "now"},
	} {
		t.Run(test.name, func(t *testing.T) {
			for name, value := range test.variables {
				t.Setenv(name, value)
			}
			all, _, _, err := parse(arg.Config{Program: "oxlin"}, notify.Ways(), append([]string{"serve"}, strings.Fields(test.arguments)...))
			if test.got == nil {
				if err == nil || !strings.Contains(err.Error(), test.want.(string)) {
					t.Errorf("%v, want %v", err, test.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, test.got(all.Serve)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Serve refuses an address that is not free, and names its flag, before it makes a database.
func TestServeListensBeforeItOpensTheDatabase(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for name, set := range map[string]func(*serverFlags, string){
		"--listen":          func(f *serverFlags, address string) { f.Listen = address },
		"--console-listen":  func(f *serverFlags, address string) { f.ConsoleListen = address },
		"--testbank-listen": func(f *serverFlags, address string) { f.TestbankListen, f.Sandbox = address, true },
	} {
		flags := serverFlags{Listen: "127.0.0.1:0", Roles: roleList{"api", "testbank"}}
		flags.Data = filePath(filepath.Join(t.TempDir(), "data"))
		set(&flags, taken.Addr().String())
		_, err := startServer(t.Context(), flags, time.Now, slog.New(slog.DiscardHandler))
		if err == nil || !strings.HasPrefix(err.Error(), name+": ") {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := os.Stat(filepath.Join(flags.directory(), "oxlin.db")); err == nil {
			t.Errorf("%s: a refused start has made a database", name)
		}
	}
}

// A number that means nothing is refused before anything is opened: a negative retention was one for ever,
// and a wrong one of many days could have ended at once.
func TestFlagsOfServeHaveBounds(t *testing.T) {
	for name, flags := range map[string]serverFlags{
		"--client-limit":       {limitFlags: limitFlags{ClientLimit: -1}},
		"--user-limit":         {limitFlags: limitFlags{UserLimit: -1}},
		"--address-limit":      {limitFlags: limitFlags{AddressLimit: 1_000_001}},
		"--connections":        {limitFlags: limitFlags{Connections: -1}},
		"--audit-retention":    {AuditRetention: -400},
		"--event-retention":    {EventRetention: 213504},
		"--password-length":    {PasswordLength: 65},
		"--client-secret-days": {secretLifeFlags: secretLifeFlags{ClientSecretDays: 3651}},
	} {
		flags.Data, flags.Listen = filePath(filepath.Join(t.TempDir(), "data")), "127.0.0.1:0"
		_, err := startServer(t.Context(), flags, time.Now, slog.New(slog.DiscardHandler))
		if err == nil || !strings.HasPrefix(err.Error(), name+": ") {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := os.Stat(flags.directory()); err == nil {
			t.Errorf("%s: a refused start has made a directory", name)
		}
	}
	if err := (serverFlags{}).check(); err != nil {
		t.Errorf("without flags: %v", err)
	}
}
