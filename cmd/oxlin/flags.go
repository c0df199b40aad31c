package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/alexflint/go-arg"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/notify"
	"github.com/oxlin/oxlin/internal/store"
)

// runner is a command that can run, unlike one that only has commands below it.
type runner interface {
	Run(context.Context) error
}

// description introduces the help.
type description struct{}

func (description) Description() string {
	return "An account information aggregator for PSD2 that anyone can run."
}

// parse parses the arguments, with the flags of the ways to notify clients, and returns
// the command that they name.
func parse(config arg.Config, ways []notify.Way, arguments []string) (*commands, any, *arg.Parser, error) {
	all := &commands{}
	grown := reflect.New(grow(reflect.TypeOf(*all), ways))
	parser, err := arg.NewParser(config, grown.Interface(), &description{})
	if err != nil {
		panic(err) // the tags of the flags are wrong
	}
	err = parser.Parse(arguments)
	return all, fill(reflect.ValueOf(all).Elem(), grown.Elem(), ways), parser, err
}

// run parses the arguments, runs the command that they name and returns the exit code: 1
// for a command that failed and 2 for arguments that name none.
func run(ctx context.Context, ways []notify.Way, arguments []string) int {
	exit := 0
	config := arg.Config{Program: "oxlin", Out: os.Stderr, Exit: func(code int) { exit = code }}
	all, named, parser, err := parse(config, ways, arguments)
	names := parser.SubcommandNames()
	command, runs := named.(runner)
	switch {
	case errors.Is(err, arg.ErrHelp):
		err = parser.WriteHelpForSubcommand(os.Stdout, names...)
	case err == nil && !runs:
		err = errors.New("a command is missing")
		fallthrough
	case err != nil:
		err = parser.FailSubcommand(err.Error(), names...)
	default:
		slog.SetDefault(slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: all.LogLevel})))
		err = command.Run(ctx)
	}
	if store.Unusable(err) {
		err = fmt.Errorf("%w: the files of the database have to belong to the user that runs this command, on a disk that can be written", err)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "oxlin: error:", err)
		return 1
	}
	return exit
}

// secretFlag is a flag whose value is never printed.
type secretFlag struct{ oxlin.Secret }

func (f *secretFlag) UnmarshalText(text []byte) error {
	f.Secret = oxlin.NewSecret(string(text))
	return nil
}

// filePath is an absolute path. A leading ~ is the user's home, also in a file of
// environment variables that no shell has read.
type filePath string

func (p *filePath) UnmarshalText(text []byte) error {
	path := string(text)
	rest, atHome := strings.CutPrefix(path, "~/")
	if atHome {
		home, err := os.UserHomeDir()
		if err != nil {
			return err
		}
		path = filepath.Join(home, rest)
	}
	absolute, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	*p = filePath(absolute)
	return nil
}

// existingFile is the absolute path of a file that exists.
type existingFile string

func (f *existingFile) UnmarshalText(text []byte) error {
	path, info, err := existing(text)
	if err == nil && info.IsDir() {
		err = fmt.Errorf("%s is a directory", path)
	}
	*f = existingFile(path)
	return err
}

// existingDirectory is the absolute path of a directory that exists.
type existingDirectory string

func (d *existingDirectory) UnmarshalText(text []byte) error {
	path, info, err := existing(text)
	if err == nil && !info.IsDir() {
		err = fmt.Errorf("%s is no directory", path)
	}
	*d = existingDirectory(path)
	return err
}

func existing(text []byte) (filePath, os.FileInfo, error) {
	var path filePath
	err := path.UnmarshalText(text)
	if err != nil {
		return "", nil, err
	}
	info, err := os.Stat(string(path))
	return path, info, err
}

// wordList is a list of words between commas. A repeated flag adds to it.
type wordList []string

func (l *wordList) UnmarshalText(text []byte) error {
	*l = append(*l, strings.Split(string(text), ",")...)
	return nil
}

// roleList names the roles of a process, between commas. A repeated flag adds to it.
type roleList []string

// roles are the roles that a process can have.
var roles = []string{"api", "worker", "testbank"}

func (l *roleList) UnmarshalText(text []byte) error {
	asked := strings.Split(string(text), ",")
	for _, role := range asked {
		if !slices.Contains(roles, role) {
			return fmt.Errorf("%q is none of the roles %s", role, strings.Join(roles, ", "))
		}
	}
	*l = append(*l, asked...)
	return nil
}

func (l roleList) MarshalText() ([]byte, error) { return []byte(strings.Join(l, ",")), nil }
