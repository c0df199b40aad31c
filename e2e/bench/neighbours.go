package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"sync"
	"time"

	"github.com/PuerkitoBio/goquery"

	"github.com/oxlin/oxlin/internal/scenario"
)

// measureNeighbour measures how long users of healthy banks wait for a synchronisation while one of twenty
// banks answers nothing, beside what they wait without that.
func measureNeighbour(ctx context.Context, b *bench) ([]figure, error) {
	err := b.connectSmall(ctx)
	if err != nil {
		return nil, err
	}
	if b.hanging == nil {
		b.hanging, err = b.connect(ctx, b.settings.hanging, func(int) int { return 0 }, 1, 10)
		if err != nil {
			return nil, err
		}
	}
	say("a neighbour's synchronisations, alone")
	alone, err := b.waits(ctx)
	if err != nil {
		return nil, err
	}
	say("a neighbour's synchronisations, while a bank hangs")
	err = b.hang(true)
	if err != nil {
		return nil, err
	}
	for _, c := range b.hanging {
		err := c.synchronise(ctx, false)
		if err != nil {
			return nil, err
		}
	}
	time.Sleep(2 * time.Second) // until the calls hang
	beside, err := b.waits(ctx)
	stuck, countErr := b.count(ctx, "SELECT COUNT(*) FROM synchronisations WHERE ended_at = 0")
	err = errors.Join(err, countErr, b.hang(false))
	if err != nil {
		return nil, err
	}
	// The hanging calls go on, and their synchronisations end or are tried again.
	err = b.until(ctx, 0, "SELECT COUNT(*) FROM synchronisations WHERE ended_at = 0")
	return []figure{{
		Name: "a neighbour's synchronisation, one of 20 banks hangs", Unit: "ms", Value: milliseconds(percentile(beside, 50)), Ceiling: milliseconds(percentile(alone, 50)),
		P50: milliseconds(percentile(beside, 50)), P99: milliseconds(percentile(beside, 99)), CeilingP99: milliseconds(percentile(alone, 99)), Target: "1/2, p99 1 s",
		Note: fmt.Sprintf("the ceiling is the wait while no bank hangs; %d synchronisations waited for the bank", stuck),
	}}, err
}

func (b *bench) hang(on bool) error {
	response, err := http.Post(fmt.Sprintf("%s/hang?on=%t", b.bank.address, on), "", nil)
	if err != nil {
		return err
	}
	return response.Body.Close()
}

// waits measures synchronisations that users ask for while they are present, four users at a time.
func (b *bench) waits(ctx context.Context) ([]time.Duration, error) {
	var group sync.WaitGroup
	var mutex sync.Mutex
	var times []time.Duration
	var failed error
	const atOnce = 4
	for i := range atOnce {
		group.Go(func() {
			for n := i; n < min(100, len(b.small)); n += atOnce {
				c := b.small[n]
				begun := time.Now()
				err := c.synchronise(ctx, true)
				if err == nil {
					err = b.until(ctx, 0, "SELECT COUNT(*) FROM synchronisations JOIN channels ON channels.id = channel_id WHERE connection_id = CAST(? AS BIGINT) AND ended_at = 0", c.id)
				}
				mutex.Lock()
				times, failed = append(times, time.Since(begun)), errors.Join(failed, err)
				mutex.Unlock()
			}
		})
	}
	group.Wait()
	slices.Sort(times)
	return times, failed
}

// measureLogins measures logins by clients with a secret, alone and beside strangers who guess
// passwords at the sign-in page.
func measureLogins(ctx context.Context, b *bench) ([]figure, error) {
	err := b.populate(ctx)
	if err != nil {
		return nil, err
	}
	guesses, err := b.guesses(ctx)
	if err != nil {
		return nil, err
	}
	kinds := []struct {
		name     string
		requests [][]byte
	}{{"password logins", b.passwordRequests()}, {"client_credentials", b.tokenRequests()}}
	var figures []figure
	for _, kind := range kinds {
		say("%s beside %d strangers", kind.name, len(guesses))
		own := load{callers: 1, requests: kind.requests}
		lasting := 5 * b.settings.lasting
		alone, err := own.run(ctx, b.platform, lasting, 0)
		if err != nil {
			return figures, err
		}
		during, enough := context.WithCancel(ctx)
		ended := make(chan int, 1)
		go func() { ended <- guess(during, b.platform, guesses) }()
		time.Sleep(time.Second)
		beside, err := own.run(ctx, b.platform, lasting, 0)
		enough()
		answered := <-ended
		if err != nil {
			return figures, err
		}
		figures = append(figures, figure{
			Name: kind.name + " beside strangers", Unit: "ms", Value: milliseconds(beside.p50), Ceiling: milliseconds(alone.p50),
			P50: milliseconds(beside.p50), P99: milliseconds(beside.p99), CeilingP99: milliseconds(alone.p99), Target: "1/2, p99 1 s",
			Note: fmt.Sprintf("the ceiling is the same alone; %d strangers had %d answers", len(guesses), answered),
		})
	}
	return figures, nil
}

// guesses are forms of the sign-in page with wrong passwords.
func (b *bench) guesses(ctx context.Context) ([][]byte, error) {
	path := "/signin?" + url.Values{
		"response_type": {"code"}, "client_id": {"sandbox"}, "redirect_uri": {"https://integrator.example/return"}, "scope": {"openid"}, "state": {"s"},
		"code_challenge": {"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"}, "code_challenge_method": {"S256"},
	}.Encode()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, b.platform.address+path, nil)
	if err != nil {
		return nil, err
	}
	response, err := browser.Do(request)
	if err != nil {
		return nil, err
	}
	document, err := goquery.NewDocumentFromReader(response.Body)
	if err = errors.Join(err, response.Body.Close()); err != nil {
		return nil, err
	}
	fields, cookies := url.Values{}, ""
	for _, input := range document.Find("form input[type=hidden]").EachIter() {
		fields.Set(input.AttrOr("name", ""), input.AttrOr("value", ""))
	}
	for _, cookie := range response.Cookies() {
		cookies += cookie.Name + "=" + cookie.Value + "; "
	}
	var guesses [][]byte
	for n := range b.settings.strangers {
		fields.Set("username", fmt.Sprintf("nobody-%d@example.test", n))
		fields.Set("password", "not the password")
		guesses = append(guesses, post(path, form, fields.Encode(), "Cookie: "+cookies, "Origin: "+b.platform.address, "Sec-Fetch-Site: same-origin"))
	}
	return guesses, nil
}

var wrongStatus = regexp.MustCompile(`^an answer is [0-9]+`)

// guess sends each of the guesses once a second, or when its answer has come, until ctx is done.
// Any answer will do. It returns how many came.
func guess(ctx context.Context, server *process, guesses [][]byte) int {
	var group sync.WaitGroup
	answered := make([]int, len(guesses))
	for n := range guesses {
		group.Go(func() {
			for ctx.Err() == nil {
				next := time.After(time.Second)
				c, err := dial(ctx, server.host())
				if err != nil {
					return
				}
				stop := context.AfterFunc(ctx, c.close)
				c.body = new(bytes.Buffer)
				err = c.ask(guesses[n])
				if err == nil || wrongStatus.MatchString(err.Error()) {
					answered[n]++
				}
				stop()
				c.close()
				select {
				case <-next:
				case <-ctx.Done():
				}
			}
		})
	}
	group.Wait()
	total := 0
	for _, n := range answered {
		total += n
	}
	return total
}

// basic is the header by which a client proves its secret.
func basic(c scenario.Integrator) string {
	request := http.Request{Header: http.Header{}}
	request.SetBasicAuth(c.ClientID, c.ClientSecret)
	return "Authorization: " + request.Header.Get("Authorization")
}
