package vault

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/alexedwards/argon2id"

	"github.com/oxlin/oxlin"
)

// passwordCost follows OWASP's recommendation for argon2id with 19 MiB.
var passwordCost = &argon2id.Params{Memory: 19 * 1024, Iterations: 2, Parallelism: 1, SaltLength: 16, KeyLength: 32}

// Asker is for whom a password is hashed.
type Asker struct {
	// Known is set for requests that carry a client's secret or token. They have slots of
	// their own, so that strangers cannot keep them waiting.
	Known bool
	// Source shares a queue with others: the client, or the address of a stranger. An empty
	// source is not told apart.
	Source string
}

// hashQueue bounds the memory and the processors that hashing uses, and how many wait for
// it. Sources take turns, however many of one wait.
type hashQueue struct {
	// most may be inside at once, and each of one source.
	most, each int
	mutex      sync.Mutex
	free       int // slots
	inside     map[string]int
	total      int
	waiting    map[string][]chan struct{}
	turns      []string // the sources that wait
}

func newHashQueue(slots, most, each int) *hashQueue {
	return &hashQueue{free: slots, most: most * slots, each: each * slots, inside: map[string]int{}, waiting: map[string][]chan struct{}{}}
}

// A slot hashes about twenty passwords a second, so a request in a full queue waits for three
// seconds at known, and for one at strangers.
var (
	known     = newHashQueue(runtime.NumCPU(), 64, 48)
	strangers = newHashQueue(max(runtime.NumCPU()/2, 1), 16, 4)
)

func (a Asker) queue() *hashQueue {
	if a.Known {
		return known
	}
	return strangers
}

// enter waits for a slot until ctx is done, or refuses at once if too many wait.
func (q *hashQueue) enter(ctx context.Context, source string) error {
	turn, err := q.line(source)
	if err != nil {
		return err
	}
	select {
	case <-turn:
	case <-ctx.Done():
		q.mutex.Lock()
		defer q.mutex.Unlock()
		q.count(source, -1)
		if i := slices.Index(q.waiting[source], turn); i >= 0 {
			q.drop(source, i)
		} else {
			q.next() // the slot was given to us meanwhile
		}
		return ctx.Err()
	}
	err = ctx.Err() // both may have been ready; the caller is gone
	if err != nil {
		q.leave(source)
	}
	return err
}

// line takes a place in the queue. The channel is closed when its slot is free.
func (q *hashQueue) line(source string) (chan struct{}, error) {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	switch {
	case q.total >= q.most:
		return nil, &oxlin.Error{Code: oxlin.CodeUnavailable, Message: "Too many passwords are being checked; try again in a moment.", RetryAfter: time.Second}
	case source != "" && q.inside[source] >= q.each:
		return nil, &oxlin.Error{Code: oxlin.CodeTooManyRequests, Message: "Too many passwords at once; send fewer at the same time.", RetryAfter: time.Second}
	}
	q.count(source, 1)
	turn := make(chan struct{})
	if q.free > 0 {
		q.free--
		close(turn)
		return turn, nil
	}
	if len(q.waiting[source]) == 0 {
		q.turns = append(q.turns, source)
	}
	q.waiting[source] = append(q.waiting[source], turn)
	return turn, nil
}

// leave frees a slot.
func (q *hashQueue) leave(source string) {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	q.count(source, -1)
	q.next()
}

// next gives a free slot to the first source that waits, which then goes to the end.
func (q *hashQueue) next() {
	if len(q.turns) == 0 {
		q.free++
		return
	}
	source := q.turns[0]
	turn := q.waiting[source][0]
	q.drop(source, 0)
	if len(q.waiting[source]) > 0 {
		q.turns = append(slices.Delete(q.turns, 0, 1), source)
	}
	close(turn)
}

// drop removes a source's waiting turn.
func (q *hashQueue) drop(source string, i int) {
	q.waiting[source] = slices.Delete(q.waiting[source], i, i+1)
	if len(q.waiting[source]) == 0 {
		delete(q.waiting, source)
		q.turns = slices.DeleteFunc(q.turns, func(other string) bool { return other == source })
	}
}

func (q *hashQueue) count(source string, n int) {
	q.total += n
	q.inside[source] += n
	if q.inside[source] == 0 {
		delete(q.inside, source)
	}
}

func (a Asker) withSlot(ctx context.Context, hash func() error) error {
	q := a.queue()
	err := q.enter(ctx, a.Source)
	if err != nil {
		return err
	}
	defer func() {
		q.leave(a.Source)
		memory.Reset(calm)
	}()
	return hash()
}

// calm is how long no password was hashed before the memory of the hashes goes back to the
// machine. Each hash takes 19 MiB, and after many at once the runtime would keep them for minutes.
const calm = 10 * time.Second

// memory gives the memory back. Each hash defers it.
var memory = time.AfterFunc(math.MaxInt64, debug.FreeOSMemory)

// keyedMark begins the hash of a password that went through a keyed hash first; older hashes begin
// otherwise. The mark of the key follows in hexadecimal digits, if it has one. It is stored, and
// never changes.
const keyedMark = "keyed:"

// parseKeyed returns the parts of a stored hash: the mark of its key, and what argon2id made.
func parseKeyed(hash string) (mark, bare string, keyed bool) {
	rest, keyed := strings.CutPrefix(hash, keyedMark)
	i := strings.IndexByte(rest, '$')
	if !keyed || i < 0 {
		return "", rest, keyed
	}
	return rest[:i], rest[i:], true
}

// PasswordsOf returns with what the hashes of passwords by a key of keyed hashes begin.
func (i IDs) PasswordsOf(id uint32) string { return keyedMark + hex.EncodeToString(i.Mark(id)) + "$" }

// IsCurrent reports whether a hash of a password is as HashPassword makes it now: useless without
// the master key, by its newest key, and of today's cost.
func (v *Vault) IsCurrent(hash string) bool {
	mark, bare, keyed := parseKeyed(hash)
	if !keyed {
		return false
	}
	names, err := v.master.Names()
	if err != nil {
		return true // nobody could renew it now
	}
	cost, _, _, err := argon2id.DecodeHash(bare)
	return err == nil && *cost == *passwordCost && mark == hex.EncodeToString(names.Mark(names.Hashing))
}

// keyed returns what is hashed in the place of a password, and the mark of its key: without the
// master key nobody can try passwords on a stolen copy of the hashes. An empty mark of a stored
// hash is that of the key without one. It returns nothing if the key is dropped.
func (v *Vault) keyed(password oxlin.Secret, stored *string) (text, mark string, err error) {
	data := []byte("password\x00" + password.Reveal())
	defer clear(data)
	all, err := v.MACs(data)
	if err != nil {
		return "", "", err
	}
	for _, mac := range all {
		mark := hex.EncodeToString(mac[:len(mac)-hashSize])
		if stored == nil || *stored == mark {
			return base64.RawStdEncoding.EncodeToString(mac[len(mac)-hashSize:]), mark, nil
		}
	}
	return "", "", nil
}

// HashPassword hashes a password slowly, with a salt of its own and the master key. The error is
// CodeUnavailable or CodeTooManyRequests, with RetryAfter, while too many passwords are being hashed.
func (v *Vault) HashPassword(ctx context.Context, asker Asker, password oxlin.Secret) (string, error) {
	text, mark, err := v.keyed(password, nil)
	if err != nil {
		return "", fmt.Errorf("hash password: %w", err)
	}
	var hash string
	err = asker.withSlot(ctx, func() error {
		var err error
		hash, err = argon2id.CreateHash(text, passwordCost)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("hash password: %w", err)
	}
	return keyedMark + mark + hash, nil
}

// CheckPassword reports whether a password matches a hash, a keyed one or an older one. It takes
// as long as HashPassword for a right and for a wrong password, and has the same errors. No
// password matches the hash of a key that is dropped.
func (v *Vault) CheckPassword(ctx context.Context, asker Asker, hash string, password oxlin.Secret) (bool, error) {
	text := password.Reveal()
	mark, bare, keyed := parseKeyed(hash)
	lost := false
	if keyed {
		var err error
		text, _, err = v.keyed(password, &mark)
		if err != nil {
			return false, fmt.Errorf("check password: %w", err)
		}
		lost = text == ""
	}
	var same bool
	err := asker.withSlot(ctx, func() error {
		var err error
		same, err = argon2id.ComparePasswordAndHash(text, bare)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("check password: %w", err)
	}
	return same && !lost, nil
}
