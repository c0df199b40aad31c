package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// profiled runs a load. If profiles are wanted, it writes one of the platform's processor time meanwhile,
// and returns the share of the audit log in it.
func (b *bench) profiled(ctx context.Context, name string, load func() error) (string, error) {
	if b.settings.profile == "" {
		return "", load()
	}
	err := os.MkdirAll(b.settings.profile, 0o700)
	if err != nil {
		return "", err
	}
	file := filepath.Join(b.settings.profile, strings.Trim(regexp.MustCompile(`[^a-z0-9]+`).ReplaceAllString(strings.ToLower(name), "-"), "-")+".pprof")
	// The door gives a profile of a fixed time. One second at a time is taken until the load ends,
	// and go tool pprof adds them up.
	during, enough := context.WithCancel(ctx)
	written := make(chan error, 1)
	var files []string
	go func() {
		for n := 0; ; n++ {
			part := fmt.Sprintf("%s.%d", file, n)
			err := fetch(ctx, "http://"+b.platform.profiles+"/debug/pprof/profile?seconds=1", part)
			if err != nil {
				written <- err
				return
			}
			files = append(files, part)
			if during.Err() != nil {
				written <- nil
				return
			}
		}
	}()
	err = load()
	enough()
	err = errors.Join(err, <-written)
	if err != nil {
		return "", err
	}
	merged, err := exec.CommandContext(ctx, "go", append([]string{"tool", "pprof", "-proto", "-output=" + file}, files...)...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("go tool pprof: %w: %s", err, merged)
	}
	for _, part := range files {
		err := os.Remove(part)
		if err != nil {
			return "", err
		}
	}
	top, err := exec.CommandContext(ctx, "go", "tool", "pprof", "-top", "-focus=oxlin/internal/audit", file).Output()
	if err != nil {
		return "", fmt.Errorf("go tool pprof: %w", err)
	}
	share := regexp.MustCompile(`Showing nodes accounting for \S+, (\S+) of`).FindSubmatch(top)
	if share == nil {
		return "the audit log is not in the profile", nil
	}
	return fmt.Sprintf("the audit log takes %s of the processor time", share[1]), nil
}

// fetch writes what an address gives to a file.
func fetch(ctx context.Context, address, file string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	client := &http.Client{Timeout: time.Minute}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", address, response.Status)
	}
	into, err := os.Create(file)
	if err != nil {
		return err
	}
	_, err = io.Copy(into, response.Body)
	return errors.Join(err, into.Close())
}
