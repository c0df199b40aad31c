package connect

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/vault"
)

// A code is exchanged once, and what the bank gives for it exists nowhere else until the
// database has it. So it is written to a file first, sealed and through to the disk: a
// process that is killed, while the database is away or in the middle of the transaction,
// finds it at its next start.

// spool is the directory of these files. Without a directory it keeps nothing.
type spool struct {
	directory string
	vault     *vault.Vault
	mutex     sync.Mutex
	// busy are the files on which this process works, and odd those that it cannot read.
	busy, odd map[string]bool
}

func newSpool(directory string, v *vault.Vault) *spool {
	return &spool{directory: directory, vault: v, busy: map[string]bool{}, odd: map[string]bool{}}
}

// spooledAccess is the content of a file: an access, and what it takes to store it.
type spooledAccess struct {
	StateHash         []byte                    `json:"state_hash"`
	Answer            []byte                    `json:"answer"`
	Access            string                    `json:"access"`
	UserID            oxlin.UserID              `json:"user_id"`
	ProviderID        oxlin.ProviderID          `json:"provider_id"`
	DefinitionID      oxlin.ChannelDefinitionID `json:"definition_id"`
	ConsentPerAccount bool                      `json:"consent_per_account,omitempty"`
	AutoSync          bool                      `json:"auto_sync,omitempty"`
	Bound             bool                      `json:"bound,omitempty"`
	PSU               *oxlin.PSU                `json:"psu,omitempty"`
}

// access decodes the access.
func (s spooledAccess) access() (bank.Access, error) {
	return bank.DecodeAccess(oxlin.NewSecret(s.Access))
}

// adjust returns an authorization as the callback or the grant with this access has it.
func (s spooledAccess) adjust(begun store.Authorization) store.Authorization {
	begun.ConsentPerAccount, begun.AutoSync = s.ConsentPerAccount, s.AutoSync
	return begun
}

// A file has its name once it is whole; until then newSuffix stands behind it.
const (
	spoolSuffix = ".access"
	newSuffix   = ".new"
)

func (s *spool) path(stateHash []byte) string {
	return filepath.Join(s.directory, hex.EncodeToString(stateHash)+spoolSuffix)
}

// work keeps this process from taking up a file a second time, until done is called.
func (s *spool) work(stateHash []byte) (done func(), ok bool) {
	name := hex.EncodeToString(stateHash)
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.busy[name] {
		return func() {}, false
	}
	s.busy[name] = true
	return func() {
		s.mutex.Lock()
		defer s.mutex.Unlock()
		delete(s.busy, name)
	}, true
}

// put writes an access. When it returns, the file survives the process and the machine.
func (s *spool) put(spooled spooledAccess) (err error) {
	if s.directory == "" {
		return nil
	}
	text, err := json.Marshal(spooled)
	if err != nil {
		return err
	}
	sealed, err := s.vault.Seal(text, spoolPlace(spooled.StateHash))
	if err != nil {
		return err
	}
	err = os.Mkdir(s.directory, 0o700)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	path := s.path(spooled.StateHash)
	file, err := os.OpenFile(path+newSuffix, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(sealed)
	if err == nil {
		err = file.Sync()
	}
	err = errors.Join(err, file.Close())
	if err == nil {
		err = os.Rename(path+newSuffix, path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(path+newSuffix))
	}
	folder, err := os.Open(s.directory)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

// find returns the access that belongs to an authorization; ok is false without one.
func (s *spool) find(stateHash []byte) (spooled spooledAccess, ok bool, err error) {
	if s.directory == "" {
		return spooled, false, nil
	}
	sealed, err := os.ReadFile(s.path(stateHash))
	if errors.Is(err, fs.ErrNotExist) {
		return spooled, false, nil
	}
	if err != nil {
		return spooled, false, err
	}
	text, err := s.vault.Open(sealed, spoolPlace(stateHash))
	if err != nil {
		return spooled, false, err
	}
	err = json.Unmarshal(text, &spooled)
	return spooled, err == nil, err
}

// drop removes an access that is stored or handed back.
func (s *spool) drop(stateHash []byte) error {
	if s.directory == "" {
		return nil
	}
	err := os.Remove(s.path(stateHash))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// left lists the state hashes of the files on which this process does not work.
func (s *spool) left() (hashes [][]byte, err error) {
	entries, err := os.ReadDir(s.directory)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for _, entry := range entries {
		name, ok := strings.CutSuffix(s.named(entry.Name()), spoolSuffix)
		hash, wrong := hex.DecodeString(name)
		if ok && wrong == nil && !s.busy[name] && !s.odd[name] {
			hashes = append(hashes, hash)
		}
	}
	return hashes, err
}

// named gives a file that a killed process has written its name, if it is whole; else it removes it.
// It returns the name that the file has then, and is called with the mutex held.
func (s *spool) named(file string) string {
	name, isNew := strings.CutSuffix(file, newSuffix)
	text, _ := strings.CutSuffix(name, spoolSuffix)
	hash, err := hex.DecodeString(text)
	if !isNew || err != nil || s.busy[text] {
		return file
	}
	path := s.path(hash)
	sealed, err := os.ReadFile(path + newSuffix)
	if err == nil {
		_, err = s.vault.Open(sealed, spoolPlace(hash))
	}
	switch {
	case errors.Is(err, vault.ErrAway):
		return file // the next look finds it again
	case err == nil:
		err = os.Rename(path+newSuffix, path)
	default:
		err = errors.Join(err, os.Remove(path+newSuffix))
	}
	if err != nil {
		return file
	}
	return name
}

// setAside lets left leave out a file that cannot be read.
func (s *spool) setAside(stateHash []byte) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.odd[hex.EncodeToString(stateHash)] = true
}

// spoolEvery is how often a process looks for accesses that nobody works on.
const spoolEvery = 30 * time.Second

// Resume stores the accesses that an earlier process could not store, or hands them back to
// their banks: at once, and again and again until ctx ends. It also asks the connectors again
// whose ways in wait, whether or not a page of the user does.
func (s *Service) Resume(ctx context.Context) {
	again, tick := time.NewTicker(spoolEvery), time.NewTicker(tickEvery)
	defer again.Stop()
	defer tick.Stop()
	s.Authorizations.resumeLeft(ctx)
	for {
		select {
		case <-ctx.Done():
			return
		case <-again.C:
			s.Authorizations.resumeLeft(ctx)
		case <-tick.C:
			s.Ways.TickDue(ctx)
		}
	}
}

func (a *Authorizations) resumeLeft(ctx context.Context) {
	if a.spool.directory == "" {
		return
	}
	hashes, err := a.spool.left()
	if err != nil {
		a.log.WarnContext(ctx, "the accesses that were not stored cannot be listed", "error", err)
		return
	}
	for _, hash := range hashes {
		spooled, ok, err := a.spool.find(hash)
		if errors.Is(err, vault.ErrAway) {
			return // the next look finds it again
		}
		if err != nil {
			a.log.ErrorContext(ctx, "an access that was not stored cannot be read", "file", a.spool.path(hash), "error", err)
			a.spool.setAside(hash)
		}
		if !ok {
			continue
		}
		_, err = a.flights.join(ctx, "spool "+string(hash), func(ctx context.Context, f *flight) (CallbackResult, error) {
			return CallbackResult{}, a.resume(ctx, f, spooled)
		})
		if err != nil {
			a.log.WarnContext(ctx, "an access is still not stored", "provider", spooled.ProviderID, "user", spooled.UserID, "error", err)
		}
	}
}

// resume stores an access of an earlier process as its callback would have. If that is too
// late, the access goes back.
func (a *Authorizations) resume(ctx context.Context, f *flight, spooled spooledAccess) error {
	access, err := spooled.access()
	if err != nil {
		return err
	}
	begun, err := a.claim(ctx, f, spooled.StateHash, spooled.Answer)
	switch shown := oxlin.AsError(err); {
	case err != nil && shown.Code != oxlin.CodeAuthorizationExpired:
		return err
	case err != nil || begun.Outcome != "":
		begun.StateHash, begun.UserID, begun.ProviderID, begun.DefinitionID = spooled.StateHash, spooled.UserID, spooled.ProviderID, spooled.DefinitionID
		a.discard(ctx, begun, access)
		return nil
	}
	_, err = a.redeem(ctx, f, spooled.adjust(begun), bank.Input{PSU: spooled.PSU}, spooled.Bound)
	return err
}

// taken is the outcome of a step: an access, or a step before it.
type taken struct {
	access bank.Access
	// step is nil if there is the access.
	step bank.Step
	way  *way
	// bound is set if the browser is the one that left, in this step and in all before.
	bound bool
}

// take takes a step. If it is the access, take writes it to its file. An access of an earlier
// process is taken from there.
func (a *Authorizations) take(ctx context.Context, f *flight, begun store.Authorization, input bank.Input, bound bool) (taken, error) {
	var spooled spooledAccess
	var ok bool
	err := f.persist(ctx, func(context.Context) (err error) {
		spooled, ok, err = a.spool.find(begun.StateHash)
		return err
	})
	if errors.Is(err, vault.ErrAway) {
		return taken{}, err // the code is not spent
	}
	if err != nil {
		a.log.ErrorContext(ctx, "an access that was not stored cannot be read", "file", a.spool.path(begun.StateHash), "error", err)
	}
	if ok {
		access, err := spooled.access()
		return taken{access: access, bound: bound}, err
	}
	got, err := ways{a}.arrive(ctx, f, begun, input, bound)
	if err != nil || got.step != nil {
		return got, err
	}
	err = a.spool.put(spooledAccess{
		StateHash: begun.StateHash, Answer: begun.Answer, Access: got.access.Encode().Reveal(), UserID: begun.UserID, ProviderID: begun.ProviderID,
		DefinitionID: begun.DefinitionID, ConsentPerAccount: begun.ConsentPerAccount, AutoSync: begun.AutoSync, Bound: got.bound, PSU: input.PSU,
	})
	if err != nil {
		a.log.WarnContext(ctx, "until the database has it, an access is in memory only", "user", begun.UserID, "error", err)
	}
	return got, nil
}

// discard hands back an access that was not stored, and removes its file once the bank or a
// job has it. An access that is stored all the same is not handed back.
func (a *Authorizations) discard(ctx context.Context, begun store.Authorization, access bank.Access) {
	stored, err := a.isStored(ctx, begun, access)
	if err != nil {
		a.log.WarnContext(ctx, "whether an access is stored is not known", "user", begun.UserID, "error", err)
	}
	if stored || a.handBack(ctx, begun, access) {
		a.forget(ctx, begun)
	}
}

// forget removes the file of an access.
func (a *Authorizations) forget(ctx context.Context, begun store.Authorization) {
	err := a.spool.drop(begun.StateHash)
	if err != nil {
		a.log.WarnContext(ctx, "the file of an access was not removed", "file", a.spool.path(begun.StateHash), "error", err)
	}
}

// isStored reports whether an access is that of one of the user's channels, or has been held
// for an answer: then the process was killed after the commit.
func (a *Authorizations) isStored(ctx context.Context, begun store.Authorization, access bank.Access) (stored bool, err error) {
	_, err = try(ctx, func(ctx context.Context) error {
		stored = false
		now, err := a.db.Read().Authorization(ctx, begun.StateHash)
		if err == nil && now.Outcome != "" {
			result, err := repeated(now)
			if err != nil {
				return err
			}
			stored = result.Status == statusHeld
		}
		connections, err := a.db.Read().Connections(ctx, begun.UserID)
		if err != nil {
			return err
		}
		for _, connection := range connections {
			channel, used := connection.Channel(begun.DefinitionID)
			if !used || connection.ProviderID != begun.ProviderID {
				continue
			}
			kept, err := a.engine.Access(ctx, channel.ID)
			if err != nil {
				return err
			}
			stored = stored || kept.Same(access) || !access.ConsentUntil.IsZero() && kept.ConsentUntil.Equal(access.ConsentUntil)
		}
		return nil
	})
	if err != nil {
		return false, fmt.Errorf("find an access: %w", err)
	}
	return stored, nil
}
