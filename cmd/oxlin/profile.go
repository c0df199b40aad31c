package main

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/pprof"

	"github.com/oxlin/oxlin/internal/web"
	"github.com/oxlin/oxlin/internal/web/hosts"
)

// profileFlags open the profiles of the running process.
type profileFlags struct {
	Pprof string `arg:"--pprof,env:OXLIN_PPROF" help:"An address on loopback for the profiles of the process (go tool pprof)." placeholder:"ADDRESS"`
}

// openProfiles opens the door to the profiles, if there is one. They name every caller's path
// through the program, so only this machine has them, and pages that a browser shows here do
// not: the door answers to loopback names alone. The command line stays closed; it may
// contain a secret.
func (s *server) openProfiles() error {
	if s.flags.Pprof == "" {
		return nil
	}
	listener, err := net.Listen("tcp", s.flags.Pprof)
	if err != nil {
		return fmt.Errorf("--pprof: %w", err)
	}
	if !listener.Addr().(*net.TCPAddr).IP.IsLoopback() {
		return errors.Join(errors.New("--pprof: only this machine may have the profiles: give an address such as 127.0.0.1:6060"), listener.Close())
	}
	address := "http://" + listener.Addr().String()
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	mux.HandleFunc("/debug/pprof/cmdline", http.NotFound)
	frame := web.Frame{Room: "profiles", Log: s.log, Now: s.now}
	s.serve(listener, hosts.Guard{Frame: frame}.Require(mux))
	s.log.Info("the profiles of this process are open on this machine", "address", address+"/debug/pprof/")
	return nil
}
