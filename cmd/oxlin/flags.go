package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/alexflint/go-arg"

	"github.com/oxlin/oxlin"
)

// runner is a command that can run, unlike one that only has commands below it.
type runner interface {
	Run(context.Context) error
}

// run parses the arguments, runs the command that they name and returns the exit code: 1
// for a command that failed and 2 for arguments that name none.
func run(ctx context.Context, arguments []string) int {
	var all commands
	exit := 0
	parser, err := arg.NewParser(arg.Config{Program: "oxlin", Out: os.Stderr, Exit: func(code int) { exit = code }}, &all)
	if err != nil {
		panic(err) // the tags of the flags are wrong
	}
	err = parser.Parse(arguments)
	names := parser.SubcommandNames()
	command, runs := parser.Subcommand().(runner)
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

// roleList names the roles of a process, between commas.
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
	*l = asked
	return nil
}

func (l roleList) MarshalText() ([]byte, error) { return []byte(strings.Join(l, ",")), nil }
