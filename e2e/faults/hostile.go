package main

import (
	"bytes"
	"compress/gzip"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// silent is the log of servers whose connections are broken on purpose.
var silent = log.New(io.Discard, "", 0)

// A disturbance spoils an answer of the bank. With instead, the bank's answer is replaced, and
// the bank may have had the call or not; with after, it is changed.
type disturbance struct {
	name    string
	weight  int
	instead func(w *way, to http.ResponseWriter, r *http.Request)
	after   func(w *way, to http.ResponseWriter, r *http.Request, answer *httptest.ResponseRecorder)
}

// endless is the parameter that an endless link carries on.
const endless = "endless"

// rare is the weight of disturbances that take minutes.
const rare = 1

// disturbances are those of a hostile bank.
func disturbances() []disturbance {
	replace := func(name string, weight int, do func(w *way, to http.ResponseWriter, r *http.Request)) disturbance {
		return disturbance{name: name, weight: weight, instead: do}
	}
	change := func(name string, weight int, do func(to http.ResponseWriter, r *http.Request, answer *httptest.ResponseRecorder)) disturbance {
		return disturbance{name: name, weight: weight, after: func(_ *way, to http.ResponseWriter, r *http.Request, answer *httptest.ResponseRecorder) {
			do(to, r, answer)
		}}
	}
	return []disturbance{
		replace("hang", rare, func(_ *way, to http.ResponseWriter, r *http.Request) { waitFor(r, 2*time.Minute); sever(to) }),
		change("one byte a second", rare, drip),
		replace("reset", 4, func(_ *way, to http.ResponseWriter, _ *http.Request) { sever(to) }),
		replace("HTML under 200", 4, func(_ *way, to http.ResponseWriter, _ *http.Request) {
			to.Header().Set("Content-Type", "text/html; charset=utf-8")
			_, _ = io.WriteString(to, "<!DOCTYPE html><title>Maintenance</title><h1>Nous revenons dans un instant</h1>")
		}),
		change("endless links", 4, func(to http.ResponseWriter, r *http.Request, answer *httptest.ResponseRecorder) {
			leadOn(to, r, answer, "1")
		}),
		replace("gzip bomb", 2, func(_ *way, to http.ResponseWriter, _ *http.Request) {
			to.Header().Set("Content-Type", "application/json")
			to.Header().Set("Content-Encoding", "gzip")
			_, _ = to.Write(bomb())
		}),
		replace("429 in seconds", 3, func(_ *way, to http.ResponseWriter, _ *http.Request) { refuse(to, http.StatusTooManyRequests, "2") }),
		replace("429 with a date", 3, func(_ *way, to http.ResponseWriter, _ *http.Request) {
			refuse(to, http.StatusTooManyRequests, time.Now().Add(2*time.Second).UTC().Format(http.TimeFormat))
		}),
		replace("401 in the middle", 3, func(_ *way, to http.ResponseWriter, _ *http.Request) { refuse(to, http.StatusUnauthorized, "") }),
		replace("TLS error", 4, func(w *way, to http.ResponseWriter, _ *http.Request) {
			w.hands.faults.Store(2)
			sever(to)
		}),
		change("body cut short", 4, func(to http.ResponseWriter, _ *http.Request, answer *httptest.ResponseRecorder) {
			to.Header().Set("Content-Length", strconv.Itoa(answer.Body.Len()+100))
			pass(to, answer)
			panic(http.ErrAbortHandler)
		}),
		change("half a body", 4, func(to http.ResponseWriter, _ *http.Request, answer *httptest.ResponseRecorder) {
			answer.Body.Truncate(answer.Body.Len() / 2)
			answer.Header().Del("Content-Length")
			pass(to, answer)
		}),
	}
}

func refuse(to http.ResponseWriter, status int, retry string) {
	to.Header().Set("Content-Type", "application/json")
	if retry != "" {
		to.Header().Set("Retry-After", retry)
	}
	to.WriteHeader(status)
	_, _ = io.WriteString(to, `{"error":"faults"}`)
}

// waitFor waits until the caller has gone, but not for ever.
func waitFor(r *http.Request, most time.Duration) {
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case <-r.Context().Done():
	case <-timer.C:
	}
}

// drip sends an answer one byte a second.
func drip(to http.ResponseWriter, r *http.Request, answer *httptest.ResponseRecorder) {
	for name, values := range answer.Header() {
		to.Header()[name] = values
	}
	to.WriteHeader(answer.Code)
	for _, b := range answer.Body.Bytes() {
		_, err := to.Write([]byte{b})
		if err == nil {
			err = http.NewResponseController(to).Flush()
		}
		if err != nil || r.Context().Err() != nil {
			return
		}
		waitFor(r, time.Second)
	}
}

// leadOn gives a list a link to a next page that has one too.
func leadOn(to http.ResponseWriter, r *http.Request, answer *httptest.ResponseRecorder, page string) {
	var list map[string]any
	err := json.Unmarshal(answer.Body.Bytes(), &list)
	links, _ := list["_links"].(map[string]any)
	if err != nil || links == nil {
		pass(to, answer)
		return
	}
	query := r.URL.Query()
	query.Set(endless, page)
	links["next"] = map[string]any{"href": (&url.URL{Path: r.URL.Path, RawQuery: query.Encode()}).String()}
	text, err := json.Marshal(list)
	if err != nil {
		pass(to, answer)
		return
	}
	answer.Body = bytes.NewBuffer(text)
	answer.Header().Del("Content-Length")
	pass(to, answer)
}

// bomb is a gigabyte of zeros in a megabyte.
var bomb = sync.OnceValue(func() []byte {
	var packed bytes.Buffer
	writer, _ := gzip.NewWriterLevel(&packed, gzip.BestSpeed)
	block := make([]byte, 1<<20)
	for range 1 << 10 {
		_, _ = writer.Write(block)
	}
	_ = writer.Close()
	return packed.Bytes()
})

// browsers is a protocol that only the played browsers offer in TLS: their connections are left
// alone.
const browsers = "faults-browser"

// An authority signs the certificates of the hostile bank: a good one, and one that is over.
type authority struct {
	pem           []byte
	good, expired tls.Certificate
}

// trusted makes the authority, and lets the played browsers trust it.
var trusted = sync.OnceValues(func() (*authority, error) {
	tomorrow := time.Now().Add(24 * time.Hour)
	root, key, err := certify(nil, nil, tomorrow)
	if err != nil {
		return nil, err
	}
	a := &authority{pem: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root.Raw})}
	for until, into := range map[time.Time]*tls.Certificate{tomorrow: &a.good, time.Now().Add(-time.Hour): &a.expired} {
		made, own, err := certify(root, key, until)
		if err != nil {
			return nil, err
		}
		*into = tls.Certificate{Certificate: [][]byte{made.Raw}, PrivateKey: own}
	}
	pool := x509.NewCertPool()
	pool.AddCert(root)
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = &tls.Config{RootCAs: pool, NextProtos: []string{"http/1.1", browsers}}
	transport.ForceAttemptHTTP2 = false
	http.DefaultTransport = transport
	return a, nil
})

// handshakes counts the handshakes of a hostile bank that fail from now on: it presents a
// certificate that is over, or ends the handshake.
type handshakes struct{ faults atomic.Int32 }

func (h *handshakes) start(server *httptest.Server) error {
	a, err := trusted()
	if err != nil {
		return err
	}
	server.TLS = &tls.Config{
		Certificates: []tls.Certificate{a.good},
		GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
			if slices.Contains(hello.SupportedProtos, browsers) {
				return nil, nil
			}
			switch left := h.faults.Add(-1); {
			case left < 0:
				h.faults.CompareAndSwap(left, 0)
				return nil, nil
			case left%2 == 0:
				return nil, errors.New("the handshake ends")
			}
			return &tls.Config{Certificates: []tls.Certificate{a.expired}}, nil
		},
	}
	server.StartTLS()
	return nil
}

// certify makes a certificate for this machine, or without a parent one of an authority.
func certify(parent *x509.Certificate, parentKey *ecdsa.PrivateKey, until time.Time) (*x509.Certificate, *ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "faults"},
		NotBefore: until.Add(-48 * time.Hour), NotAfter: until, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, BasicConstraintsValid: true, IsCA: parent == nil,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	if parent == nil {
		parent, parentKey = template, key
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, parentKey)
	if err != nil {
		return nil, nil, err
	}
	made, err := x509.ParseCertificate(raw)
	return made, key, err
}
