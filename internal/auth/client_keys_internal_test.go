package auth

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/reach"
)

func TestKeysAreReadAtPublicAddressesOnly(t *testing.T) {
	t.Parallel()
	for address, public := range map[string]bool{
		"8.8.8.8": true, "172.15.0.1": true, "172.32.0.1": true, "193.168.0.1": true, "2a00:1450:4007::1": true, "::ffff:8.8.8.8": true,
		"127.0.0.1": false, "127.9.9.9": false, "10.0.0.1": false, "10.255.255.255": false, "172.16.0.1": false, "172.31.255.255": false,
		"192.168.0.1": false, "192.168.255.255": false, "169.254.169.254": false, "100.64.0.1": false, "0.0.0.0": false, "0.1.2.3": false,
		"224.0.0.1": false, "255.255.255.255": false, "240.0.0.1": false, "198.18.0.1": false, "192.0.2.1": false,
		"::": false, "::1": false, "fc00::1": false, "fdff::1": false, "fe80::1": false, "fe80::1%eth0": false, "fec0::1": false, "ff02::1": false,
		"::ffff:10.0.0.1": false, "::ffff:127.0.0.1": false, "::10.0.0.1": false, "64:ff9b::a00:1": false, "64:ff9b:1::a00:1": false,
		"2002:a00:1::": false, "2001::1": false,
	} {
		err := reach.Public("tcp", net.JoinHostPort(address, "443"), nil)
		if (err == nil) != public {
			t.Errorf("%s: %v", address, err)
		}
	}
}

// A name counts for nothing: the address that it resolves to is looked at, at each connection.
func TestANameThatLeadsInsideIsNotRead(t *testing.T) {
	t.Parallel()
	var reads atomic.Int32
	inside := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		reads.Add(1)
		_, _ = w.Write([]byte(`{"keys":[]}`))
	}))
	t.Cleanup(inside.Close)
	_, port, _ := strings.Cut(strings.TrimPrefix(inside.URL, "http://"), ":")
	for _, local := range []bool{false, true} {
		keys := newClientKeys(time.Now, local)
		keys.dialer.Resolver = &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
			ours, theirs := net.Pipe()
			go answerLoopback(theirs)
			return ours, nil
		}}
		for _, name := range []string{"keys.example.com.", "localhost"} {
			reads.Store(0)
			_, err := keys.fetch(t.Context(), "http://"+name+":"+port+"/jwks")
			if (err == nil) != local || (reads.Load() == 1) != local {
				t.Errorf("%s, private addresses allowed %t: %v after %d readings", name, local, err, reads.Load())
			}
		}
	}
}

// answerLoopback answers one question about a name with 127.0.0.1, as DNS over TCP does.
func answerLoopback(conn net.Conn) {
	defer conn.Close()
	buffer := make([]byte, 4096)
	n, err := conn.Read(buffer)
	if err == nil && n == 2 { // the length may come alone
		n, err = conn.Read(buffer[2:])
		n += 2
	}
	var question dnsmessage.Message
	if err != nil || n < 2 || question.Unpack(buffer[2:n]) != nil {
		return
	}
	answer := dnsmessage.Message{Header: dnsmessage.Header{ID: question.ID, Response: true, RecursionAvailable: true}, Questions: question.Questions}
	if question.Questions[0].Type == dnsmessage.TypeA {
		answer.Answers = []dnsmessage.Resource{{
			Header: dnsmessage.ResourceHeader{Name: question.Questions[0].Name, Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET, TTL: 1},
			Body:   &dnsmessage.AResource{A: [4]byte{127, 0, 0, 1}},
		}}
	}
	packed, err := answer.Pack()
	if err == nil {
		_, _ = conn.Write(append([]byte{byte(len(packed) >> 8), byte(len(packed))}, packed...))
	}
}

// While the address of a client does not answer, keys that are still valid serve its requests; others
// wait no longer than their callers.
func TestAnAddressThatHangsHoldsNoOtherRequest(t *testing.T) {
	t.Parallel()
	const set = `{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}`
	var reads atomic.Int32
	hangs, goOn := make(chan struct{}), make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if reads.Add(1) == 2 {
			close(hangs)
			<-goOn
		}
		_, _ = w.Write([]byte(set))
	}))
	t.Cleanup(server.Close)
	now := time.Date(2026, 11, 30, 9, 0, 0, 0, time.UTC)
	keys := newClientKeys(func() time.Time { return now }, true)
	client := oxlin.Client{Authentication: oxlin.ClientAuthentication{Method: oxlin.AuthByPrivateKey, KeysURI: server.URL}}
	of := func(ctx context.Context, fresh bool) error {
		found, err := keys.of(ctx, client, fresh)
		if err == nil && len(found) != 1 {
			err = fmt.Errorf("%d keys", len(found))
		}
		return err
	}
	err := of(t.Context(), false)
	if err != nil {
		t.Fatal(err)
	}
	now = now.Add(keysRest)
	done := make(chan error, 1)
	go func() { done <- of(t.Context(), true) }()
	<-hangs
	if err := of(t.Context(), false); err != nil { // returns, or the test never ends
		t.Errorf("with a valid key: %v", err)
	}
	gone, leave := context.WithCancel(t.Context())
	leave()
	if err := of(gone, true); !errors.Is(err, context.Canceled) {
		t.Errorf("with an unknown key, the caller being gone: %v", err)
	}
	waiting := make(chan error, 1)
	go func() { waiting <- of(t.Context(), true) }()
	close(goOn)
	if err := errors.Join(<-done, <-waiting); err != nil || reads.Load() != 2 {
		t.Errorf("after the answer: %v, %d readings", err, reads.Load())
	}
}
