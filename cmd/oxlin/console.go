package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/console"
	"github.com/oxlin/oxlin/internal/web"
)

// consoleFlags open the operators' console.
type consoleFlags struct {
	ConsoleAllow    prefixList `arg:"--console-allow,env:OXLIN_CONSOLE_ALLOW" help:"A network from which the console may be opened, such as 192.0.2.0/24, or an address; may be repeated. Without it, every network may." placeholder:"NETWORK"`
	ConsoleListen   string     `arg:"--console-listen,env:OXLIN_CONSOLE_LISTEN" help:"An address of its own for the console; it is not open at --listen then." placeholder:"ADDRESS"`
	ConsolePassword secretFlag `arg:"--console-password,env:OXLIN_CONSOLE_PASSWORD" help:"Open the console at /console, and make the first operator, named operator, with this password; the sandbox's is \"sandbox\". Give it by the environment." placeholder:"PASSWORD"`
	firstPasswordFlags
	ConsoleWithoutSecondFactor bool `arg:"--console-without-second-factor,env:OXLIN_CONSOLE_WITHOUT_SECOND_FACTOR" help:"Let operators in by their password alone, as the sandbox does."`
}

// consolePassword returns the password of the first operator; it is zero without one.
func (s *server) consolePassword() oxlin.Secret {
	if s.flags.ConsolePassword.IsZero() && s.flags.Sandbox {
		return oxlin.NewSecret("sandbox")
	}
	return s.flags.ConsolePassword.Secret
}

// firstPasswords returns how long a first password works. That of a sandbox is public, and stays.
func (s *server) firstPasswords() (time.Duration, error) {
	if s.flags.Sandbox {
		return 0, nil
	}
	return s.flags.life()
}

// openConsole opens the console if there are operators: among the pages for people, or at
// an address of its own.
func (s *server) openConsole(ctx context.Context, people *http.ServeMux, r rooms) error {
	if password := s.consolePassword(); !password.IsZero() {
		err := r.operators.EnsureFirst(ctx, password)
		if err != nil {
			return err
		}
	}
	operators, err := r.operators.List(ctx)
	if err != nil || len(operators) == 0 {
		return err
	}
	if s.flags.ConsoleWithoutSecondFactor && !s.flags.Sandbox {
		s.log.Warn("--console-without-second-factor: a password alone opens the console")
	}
	s.consoleURL = s.publicURL
	var listener net.Listener
	if s.flags.ConsoleListen != "" {
		listener, err = s.listenForConsole()
		if err != nil {
			return err
		}
		people = http.NewServeMux()
	}
	console.New(console.Options{
		DB: s.db, Audit: r.audit, Clients: r.clients, Service: r.connect, Vault: r.vault, Operators: r.operators, Clock: s.clock, Platform: s.platformName(),
		Allow: s.flags.ConsoleAllow, Secure: strings.HasPrefix(s.consoleURL, "https:") || s.flags.TrustProxy && strings.HasPrefix(s.publicURL, "https:"),
		TrustProxy: s.flags.TrustProxy, SecretDays: s.flags.ClientSecretDays, Now: s.now, Rand: rand.Reader, Log: s.log.With("part", "console"),
	}).Register(people)
	if listener != nil {
		frame := web.Frame{Room: "web", Log: s.log, Now: s.now, TrustProxy: s.flags.TrustProxy}
		s.serve(listener, r.metrics.Requests(s.guard().Require(s.doors().Handler(s.ownHosts(s.publicURL, nil).Require(frame.Mux(people))))))
	}
	return nil
}

// listenForConsole opens the console's own listener, and settles its address.
func (s *server) listenForConsole() (net.Listener, error) {
	listener, err := net.Listen("tcp", s.flags.ConsoleListen)
	if err != nil {
		return nil, fmt.Errorf("--console-listen: %w", err)
	}
	secured, scheme, err := s.secured(listener)
	if err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	s.consoleURL = scheme + "://" + listener.Addr().String()
	return secured, nil
}

// prefixList is a list of networks between commas. An address is a network of its own. A
// repeated flag adds to it.
type prefixList []netip.Prefix

func (l *prefixList) UnmarshalText(text []byte) error {
	for _, word := range strings.Split(string(text), ",") {
		prefix, err := netip.ParsePrefix(word)
		if err != nil {
			address, failed := netip.ParseAddr(word)
			if failed != nil {
				return fmt.Errorf("%q is no network, such as 192.0.2.0/24, and no address", word)
			}
			prefix = netip.PrefixFrom(address, address.BitLen())
		}
		*l = append(*l, prefix.Masked())
	}
	return nil
}

// platformName names this platform among others in an authenticator app.
func (s *server) platformName() string {
	address, err := url.Parse(s.publicURL)
	if err != nil {
		return "Oxlin"
	}
	return "Oxlin " + address.Hostname()
}
