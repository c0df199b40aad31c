package testbank

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// state is all that the bank persists. Tokens are stored as hashes.
type state struct {
	Offset    time.Duration            `json:"Offset"` // the bank's clock runs this much ahead
	Customers map[string]*customer     `json:"Customers"`
	Consents  map[string]*consent      `json:"Consents"`
	Codes     map[string]*code         `json:"Codes"`
	Access    map[string]*accessToken  `json:"Access"`
	Refresh   map[string]*refreshToken `json:"Refresh"`
	Scenarios map[string]scenarios     `json:"Scenarios"` // by login, from the control API
	Visits    map[string]*visit        `json:"Visits"`    // to the web sites, by the hash of their id
	Devices   map[string]*device       `json:"Devices"`   // by the hash of their token
	Attempts  map[string]attempts      `json:"Attempts"`  // by customer key
	UsageDay  Day                      `json:"UsageDay"`
	Usage     map[string]int           `json:"Usage"` // unattended accesses of UsageDay
}

func newState() *state {
	return &state{
		Customers: map[string]*customer{}, Consents: map[string]*consent{}, Codes: map[string]*code{},
		Access: map[string]*accessToken{}, Refresh: map[string]*refreshToken{},
		Visits: map[string]*visit{}, Devices: map[string]*device{}, Attempts: map[string]attempts{},
		Scenarios: map[string]scenarios{}, Usage: map[string]int{},
	}
}

const stateFile = "testbank.json"

// saveDelay batches the writes of busy moments. Tokens are written at once.
const saveDelay = 300 * time.Millisecond

// load reads the state of an earlier process, if there is one.
func (b *Bank) load() error {
	if b.dir == "" {
		return nil
	}
	if err := os.MkdirAll(b.dir, 0o700); err != nil {
		return fmt.Errorf("test bank: %w", err)
	}
	data, err := os.ReadFile(filepath.Join(b.dir, stateFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("test bank: %w", err)
	}
	s := newState()
	if err := json.Unmarshal(data, s); err != nil {
		return fmt.Errorf("test bank: state file %s: %w", stateFile, err)
	}
	for key, c := range s.Customers {
		if err := c.load(b.standard); err != nil {
			b.log.Warn("customer forgotten", "error", err.Error())
			delete(s.Customers, key)
		}
	}
	b.state = s
	return nil
}

// changed schedules a write of the state. The caller holds b.mu.
func (b *Bank) changed() {
	if b.dir == "" || b.dirty || b.closed {
		return
	}
	b.dirty = true
	b.saver = time.AfterFunc(saveDelay, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.dirty {
			b.save()
		}
	})
}

// save writes the state now. The caller holds b.mu.
func (b *Bank) save() {
	if b.dir == "" {
		return
	}
	b.dirty = false
	b.forget()
	if err := b.write(); err != nil {
		b.log.Error("state not saved", "error", err.Error())
	}
}

func (b *Bank) write() error {
	data, err := json.Marshal(b.state)
	if err != nil {
		return err
	}
	// Written to a temporary file and renamed, so that a crash leaves the old or the
	// new state.
	tmp, err := os.CreateTemp(b.dir, stateFile+".*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	if _, err = tmp.Write(data); err == nil {
		err = tmp.Sync()
	}
	if err := errors.Join(err, tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), filepath.Join(b.dir, stateFile))
}

// forget drops what nobody can use any more. The caller holds b.mu.
func (b *Bank) forget() {
	b.forgetVisits()
	long := b.now().Add(-24 * time.Hour)
	for k, v := range b.state.Codes {
		if v.Expires.Before(long) {
			delete(b.state.Codes, k)
		}
	}
	for k, v := range b.state.Access {
		if v.Expires.Before(long) {
			delete(b.state.Access, k)
		}
	}
	for k, v := range b.state.Refresh {
		if c := b.state.Consents[v.Consent]; c == nil || c.Expires.Before(long) {
			delete(b.state.Refresh, k)
		}
	}
	for k, v := range b.state.Consents {
		// An expired consent is remembered for a while: its tokens say why they fail.
		if v.Expires.Before(long.AddDate(0, 0, -90)) {
			delete(b.state.Consents, k)
		}
	}
	known := map[string]bool{}
	for _, v := range b.state.Consents {
		known[v.Customer] = true
	}
	for _, v := range b.state.Devices {
		known[v.Customer] = true
	}
	for k, v := range b.state.Customers {
		if !known[k] && v.Fetched < b.today()-365 {
			delete(b.state.Customers, k)
		}
	}
}
