package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	processes "github.com/oxlin/oxlin/e2e/process"
)

// measurePeers measures servers of others that e2e/bench/peers has built, with the loads of the
// platform: PocketBase has a table with as many rows, Ory Hydra issues tokens. They are
// measured with their default settings, and without the ceiling, which does their work as well.
func measurePeers(ctx context.Context, b *bench) ([]figure, error) {
	var figures []figure
	for _, peer := range []struct {
		name    string
		measure func(context.Context, *bench, string) ([]figure, error)
	}{{"pocketbase", measurePocketBase}, {"hydra", measureHydra}} {
		binary, err := filepath.Abs(filepath.Join(b.settings.peers, peer.name))
		if err != nil {
			return figures, err
		}
		_, err = os.Stat(binary)
		if b.settings.peers == "" || err != nil {
			say("%s is not measured: %s is not there (go run ./e2e/bench/peers)", peer.name, filepath.Join(b.settings.peers, peer.name))
			continue
		}
		more, err := peer.measure(ctx, b, binary)
		if err != nil {
			return figures, fmt.Errorf("%s: %w", peer.name, err)
		}
		figures = append(figures, more...)
	}
	return figures, nil
}

// startPeer starts a server that prints no address, and waits until it answers.
func (b *bench) startPeer(ctx context.Context, address, health, binary string, env []string, args ...string) (*process, error) {
	command := exec.CommandContext(ctx, binary, args...)
	command.Env = append(os.Environ(), env...)
	command.Cancel = func() error { return command.Process.Signal(syscall.SIGTERM) }
	log, err := os.Create(filepath.Join(b.directory, filepath.Base(binary)+".log"))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	command.Stdout, command.Stderr = log, log
	err = command.Start()
	if err != nil {
		return nil, err
	}
	p := &process{command: command, address: "http://" + address, log: log.Name(), ended: sync.OnceValue(func() error {
		_ = command.Process.Signal(syscall.SIGTERM)
		_ = command.Wait() // how it ends is its own affair
		return nil
	})}
	for begun := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		response, err := http.Get(p.address + health)
		if err == nil {
			response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return p, nil
			}
		}
		if time.Since(begun) > time.Minute {
			return nil, errors.Join(fmt.Errorf("it does not answer: %s", tail(p.log)), p.end())
		}
	}
}

// call sends JSON and reads JSON.
func call(ctx context.Context, method, address, token string, body, into any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(text))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", token)
	response, err := browser.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode/100 != 2 {
		err = fmt.Errorf("%s: %s: %s", address, response.Status, answer)
	}
	if err != nil || into == nil {
		return err
	}
	return json.Unmarshal(answer, into)
}

// alone makes a load at a peer and takes the median round.
func (b *bench) alone(ctx context.Context, name string, peer *process, l load) (figure, error) {
	say("%s", name)
	var rounds []outcome
	for range b.settings.rounds {
		one, err := l.run(ctx, peer, b.settings.lasting, 0)
		if err != nil {
			return figure{}, fmt.Errorf("%s: %w", name, err)
		}
		rounds = append(rounds, one)
	}
	o := middle(rounds)
	return figure{Name: name, Unit: "/s", Value: o.rate, CPU: o.cpu, Own: o.own, P50: milliseconds(o.p50), P99: milliseconds(o.p99)}, nil
}

// measurePocketBase fills a table of PocketBase with the columns of a transaction, as many rows as the
// platform's users have, and reads it with a token.
func measurePocketBase(ctx context.Context, b *bench, binary string) ([]figure, error) {
	folder := "--dir=" + filepath.Join(b.directory, "pocketbase")
	address, err := processes.FreeAddress()
	if err != nil {
		return nil, err
	}
	said, err := exec.CommandContext(ctx, binary, "superuser", "upsert", "bench@example.test", password, folder).CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("%w: %s", err, said)
	}
	p, err := b.startPeer(ctx, address, "/api/health", binary, nil, "serve", "--http="+address, folder)
	if err != nil {
		return nil, err
	}
	defer p.end()
	var login struct{ Token string }
	err = call(ctx, "POST", p.address+"/api/collections/_superusers/auth-with-password", "", map[string]string{"identity": "bench@example.test", "password": password}, &login)
	if err != nil {
		return nil, err
	}
	type field map[string]string
	fields := []field{{"name": "amount", "type": "number"}, {"name": "imported", "type": "number"}}
	texts := []string{"owner", "currency", "origin", "label", "notes", "account", "kind", "category", "status", "booked", "remittance"}
	for _, name := range texts {
		fields = append(fields, field{"name": name, "type": "text"})
	}
	err = call(ctx, "POST", p.address+"/api/collections", login.Token, map[string]any{
		"name": "transactions", "type": "base", "fields": fields, "indexes": []string{"CREATE INDEX bench ON transactions (owner, imported)"},
	}, nil)
	if err != nil {
		return nil, err
	}
	_, write, err := openDatabase("sqlite:" + filepath.Join(b.directory, "pocketbase", "data.db"))
	if err != nil {
		return nil, err
	}
	defer write.Close()
	users := b.settings.users
	_, err = write.ExecContext(ctx, `WITH RECURSIVE n (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM n WHERE n + 1 < ?)
		INSERT INTO transactions (id, amount, imported, `+strings.Join(texts, ", ")+`)
		SELECT printf('bench%010d', n), -1.0 * (n % 97), n, printf('user%d', n % ?), 'EUR', 'TRANSACTION', printf('Magasin %d Paris', n), 'CB MAGASIN PARIS 15',
			'1000000001', 'CARD_PAYMENT', 'SHOPPING', 'BOOKED', '2026-01-01', '["CB MAGASIN PARIS 15"]' FROM n`, 2*users*b.settings.rows, users)
	if err != nil {
		return nil, err
	}
	var lists, ones [][]byte
	for n := range users {
		query := url.Values{"perPage": {"100"}, "skipTotal": {"1"}, "sort": {"-imported"}, "filter": {fmt.Sprintf("owner='user%d'", n)}}
		lists = append(lists, request("GET", "/api/collections/transactions/records?"+query.Encode(), "", "Authorization: "+login.Token))
		ones = append(ones, request("GET", fmt.Sprintf("/api/collections/transactions/records/bench%010d", n), "", "Authorization: "+login.Token))
	}
	list, err := b.alone(ctx, "PocketBase, lists of 100", p, load{callers: 8, requests: lists})
	if err != nil {
		return nil, err
	}
	one, err := b.alone(ctx, "PocketBase, single records", p, load{callers: 8, requests: ones})
	return []figure{list, one}, err
}

// measureHydra issues tokens to clients of Ory Hydra. Without cgo it has PostgreSQL alone.
func measureHydra(ctx context.Context, b *bench, binary string) ([]figure, error) {
	if b.create == nil || strings.HasPrefix(b.database, "sqlite:") {
		say("hydra is measured with -database postgres")
		return nil, nil
	}
	database, err := b.create("hydra")
	if err != nil {
		return nil, err
	}
	public, err := processes.FreeAddress()
	if err != nil {
		return nil, err
	}
	admin, err := processes.FreeAddress()
	if err != nil {
		return nil, err
	}
	port := func(address string) string { return address[strings.LastIndex(address, ":")+1:] }
	env := []string{
		"DSN=" + database, "SECRETS_SYSTEM=a-secret-of-the-bench-alone", "URLS_SELF_ISSUER=http://" + public, "LOG_LEVEL=info", "SQA_OPT_OUT=true",
		"SERVE_PUBLIC_HOST=127.0.0.1", "SERVE_ADMIN_HOST=127.0.0.1", "SERVE_PUBLIC_PORT=" + port(public), "SERVE_ADMIN_PORT=" + port(admin),
	}
	migrate := exec.CommandContext(ctx, binary, "migrate", "sql", "-e", "--yes")
	migrate.Env = slices.Concat(os.Environ(), env)
	said, err := migrate.CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("%w: %s", err, said)
	}
	p, err := b.startPeer(ctx, public, "/health/ready", binary, env, "serve", "all", "--dev")
	if err != nil {
		return nil, err
	}
	defer p.end()
	var requests [][]byte
	for range clients {
		var made struct {
			ID     string `json:"client_id"`
			Secret string `json:"client_secret"`
		}
		err := call(ctx, "POST", "http://"+admin+"/admin/clients", "", map[string]any{
			"grant_types": []string{"client_credentials"}, "token_endpoint_auth_method": "client_secret_basic", "scope": "users_create",
		}, &made)
		if err != nil {
			return nil, err
		}
		basic := http.Request{Header: http.Header{}}
		basic.SetBasicAuth(made.ID, made.Secret)
		requests = append(requests, post("/oauth2/token", form, url.Values{"grant_type": {"client_credentials"}, "scope": {"users_create"}}.Encode(),
			"Authorization: "+basic.Header.Get("Authorization")))
	}
	tokens, err := b.alone(ctx, "Ory Hydra, tokens, 8 callers", p, load{callers: 8, requests: requests})
	return []figure{tokens}, err
}
