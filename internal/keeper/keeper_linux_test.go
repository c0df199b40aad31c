package keeper_test

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/keeper"
	"github.com/oxlin/oxlin/internal/keeper/keepertest"
	"github.com/oxlin/oxlin/internal/vault"
	"github.com/oxlin/oxlin/internal/vault/wire"
)

var place = vault.Place{Table: "t", Column: "c", Row: "1"}

func open(t testing.TB, options vault.Options) *vault.Vault {
	t.Helper()
	v, err := vault.Open(options)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func newKey(t testing.TB) vault.Options {
	t.Helper()
	key := vault.Options{KeyFile: filepath.Join(t.TempDir(), "master.key")}
	open(t, key)
	return key
}

// What one process seals and hashes with the key itself, another one opens and proves by a keeper,
// and the other way round.
func TestAKeeperDoesWhatTheKeyDoes(t *testing.T) {
	key := newKey(t)
	k := keepertest.Start(t, key, nil)
	own, remote := open(t, key), open(t, vault.Options{Socket: k.Socket})
	for name, pair := range map[string][2]*vault.Vault{"to the keeper": {own, remote}, "from the keeper": {remote, own}, "with the keeper alone": {remote, remote}} {
		sealed, err := pair[0].Seal([]byte(name), place)
		if err != nil {
			t.Fatal(err)
		}
		plain, err := pair[1].Open(sealed, place)
		if err != nil || string(plain) != name {
			t.Errorf("%s: %q (%v)", name, plain, err)
		}
		_, err = pair[1].Open(sealed, vault.Place{Table: "another"})
		if !errors.Is(err, vault.ErrUnopened) {
			t.Errorf("%s, moved: %v", name, err)
		}
		sealed[20] ^= 1 // in the wrapped key
		_, err = pair[1].Open(sealed, place)
		if !errors.Is(err, vault.ErrUnopened) {
			t.Errorf("%s, changed: %v", name, err)
		}
		mac, err := pair[0].MAC([]byte(name))
		if err != nil {
			t.Fatal(err)
		}
		proves, err := pair[1].Proves(mac, []byte(name))
		if err != nil || !proves {
			t.Errorf("%s: the hash is not recognised (%v)", name, err)
		}
		hash, err := pair[0].HashPassword(t.Context(), vault.Asker{}, oxlin.NewSecret("a good password"))
		if err != nil {
			t.Fatal(err)
		}
		right, err := pair[1].CheckPassword(t.Context(), vault.Asker{}, hash, oxlin.NewSecret("a good password"))
		if err != nil || !right || !pair[1].IsCurrent(hash) {
			t.Errorf("%s: the password is not recognised (%v)", name, err)
		}
	}
	a, errA := own.IDs()
	b, errB := remote.IDs()
	if errors.Join(errA, errB) != nil || fmt.Sprint(a) != fmt.Sprint(b) {
		t.Errorf("the keys are %v (%v) and %v (%v)", a, errA, b, errB)
	}
}

// A hundred rows are one request, whatever is among them.
func TestManyValuesAreOneRequest(t *testing.T) {
	key := newKey(t)
	k := keepertest.Start(t, key, nil)
	v := open(t, vault.Options{Socket: k.Socket})
	var list []vault.Sealed
	for i := range 100 {
		sealed, err := v.Seal(fmt.Appendf(nil, "row %d", i), place)
		if err != nil {
			t.Fatal(err)
		}
		switch i {
		case 17:
			sealed = []byte("damaged")
		case 18:
			sealed = nil
		case 19:
			sealed[30] ^= 1
		}
		list = append(list, vault.Sealed{Value: sealed, Place: place})
	}
	seals := len(k.Asked())
	if seals > 6 {
		t.Errorf("%d requests for 100 values to be sealed", seals)
	}
	opened, err := v.OpenAll(list)
	if err != nil {
		t.Fatal(err)
	}
	if asked := k.Asked()[seals:]; !bytes.Equal(asked, []byte{wire.Unwrap}) {
		t.Errorf("the requests were %v", asked)
	}
	for i, one := range opened {
		lost := i >= 17 && i <= 19
		if lost != errors.Is(one.Err, vault.ErrUnopened) || !lost && string(one.Plain) != fmt.Sprintf("row %d", i) {
			t.Errorf("row %d: %q (%v)", i, one.Plain, one.Err)
		}
	}
	many := slices.Repeat(list[:1], 3*wire.MostItems+1)
	opened, err = v.OpenAll(many)
	if err != nil || len(opened) != len(many) || string(opened[len(many)-1].Plain) != "row 0" {
		t.Errorf("%d values: %v", len(many), err)
	}
}

// isAway checks the error of an operation while the keeper is away: 503 with Retry-After at a door,
// and nothing that a caller could take for damage or for an outage of the database.
func isAway(t *testing.T, what string, err error) {
	t.Helper()
	shown := oxlin.AsError(err)
	var network net.Error
	if !errors.Is(err, vault.ErrAway) || errors.Is(err, vault.ErrUnopened) || shown.Code != oxlin.CodeUnavailable || shown.RetryAfter <= 0 || errors.As(err, &network) {
		t.Errorf("%s: %v", what, err)
	}
}

func TestAKeeperThatIsAwayIsNoDamage(t *testing.T) {
	key := newKey(t)
	k := keepertest.Start(t, key, nil)
	v := open(t, vault.Options{Socket: k.Socket})
	sealed, err := v.Seal([]byte("plain"), place)
	if err != nil {
		t.Fatal(err)
	}
	hash, err := v.HashPassword(t.Context(), vault.Asker{}, oxlin.NewSecret("a good password"))
	if err != nil {
		t.Fatal(err)
	}
	for _, way := range []struct {
		name      string
		end, back func()
	}{
		{"stopped", k.End, func() { k.Begin(key) }},
		{"breaking off", func() { k.AwayIf(func(int) bool { return true }) }, func() { k.AwayIf(func(int) bool { return false }) }},
	} {
		way.end()
		for name, call := range map[string]func() error{
			"Open":         func() error { _, err := v.Open(sealed, place); return err },
			"OpenSecret":   func() error { _, err := v.OpenSecret(sealed, place); return err },
			"OpenAll":      func() error { _, err := v.OpenAll([]vault.Sealed{{Value: sealed, Place: place}}); return err },
			"Reseal":       func() error { _, err := v.Reseal(sealed); return err },
			"MAC":          func() error { _, err := v.MAC(nil); return err },
			"MACs":         func() error { _, err := v.MACs(nil); return err },
			"Proves":       func() error { _, err := v.Proves(nil, nil); return err },
			"IDs":          func() error { _, err := v.IDs(); return err },
			"Check":        v.Check,
			"HashPassword": func() error { _, err := v.HashPassword(t.Context(), vault.Asker{}, oxlin.NewSecret("x")); return err },
			"CheckPassword": func() error {
				_, err := v.CheckPassword(t.Context(), vault.Asker{}, hash, oxlin.NewSecret("x"))
				return err
			},
		} {
			isAway(t, name+", "+way.name, call())
			if !v.Away() {
				t.Errorf("%s: it is not known to be away", name)
			}
		}
		// Keys that were wrapped before go with the connection.
		_, err = v.Seal([]byte("plain"), place)
		isAway(t, "Seal, "+way.name, err)
		way.back()
		plain, err := v.Open(sealed, place)
		if err != nil || string(plain) != "plain" || v.Away() {
			t.Errorf("%s, and back: %q (%v)", way.name, plain, err)
		}
	}
}

// A keeper that starts with another key in front is found again, and its key is used.
func TestAKeeperStartsWithANewKey(t *testing.T) {
	key := newKey(t)
	k := keepertest.Start(t, key, nil)
	v := open(t, vault.Options{Socket: k.Socket})
	before, err := v.Seal([]byte("plain"), place)
	if err != nil {
		t.Fatal(err)
	}
	_, err = vault.Rotate(key, true)
	if err != nil {
		t.Fatal(err)
	}
	k.End()
	k.Begin(key)
	names, err := v.IDs()
	if err != nil || len(names.Older) != 1 || len(names.OlderHashing) != 1 {
		t.Fatalf("the keys are %v (%v)", names, err)
	}
	after, err := v.Seal([]byte("plain"), place)
	if err != nil {
		t.Fatal(err)
	}
	if id, _ := vault.KeyOf(after); id != names.Sealing {
		t.Errorf("sealed with %d, the newest is %d", id, names.Sealing)
	}
	again, err := v.Reseal(before)
	if err != nil {
		t.Fatal(err)
	}
	if id, _ := vault.KeyOf(again); id != names.Sealing {
		t.Errorf("resealed with %d, the newest is %d", id, names.Sealing)
	}
	for name, sealed := range map[string][]byte{"before": before, "after": after, "again": again} {
		plain, err := v.Open(sealed, place)
		if err != nil || string(plain) != "plain" {
			t.Errorf("sealed %s: %q (%v)", name, plain, err)
		}
	}
	nothing, err := v.Reseal(after)
	if err != nil || nothing != nil {
		t.Errorf("a value of the newest key: %x (%v)", nothing, err)
	}
	_, err = v.Reseal([]byte("damaged"))
	if !errors.Is(err, vault.ErrUnopened) {
		t.Errorf("a damaged value: %v", err)
	}
}

// The system tells who asks. A process that is not allowed gets no byte.
func TestAnotherUserIsToldNothing(t *testing.T) {
	for name, allowed := range map[string]struct {
		users, groups []uint32
		admits        bool
	}{
		"this user":      {users: []uint32{uint32(os.Geteuid())}, admits: true},
		"this group":     {groups: []uint32{uint32(os.Getegid())}, admits: true},
		"another user":   {users: []uint32{uint32(os.Geteuid()) + 1}},
		"another group":  {groups: []uint32{uint32(os.Getegid()) + 1}},
		"a user's group": {groups: []uint32{uint32(os.Geteuid()) + 1}, users: []uint32{uint32(os.Getegid()) + 1}},
		"nobody":         {},
	} {
		k := keepertest.Start(t, newKey(t), func(o *keeper.Options) { o.Users, o.Groups = allowed.users, allowed.groups })
		err := open(t, vault.Options{Socket: k.Socket}).Check()
		if (err == nil) != allowed.admits {
			t.Errorf("%s: %v", name, err)
		}
		if told := strings.Contains(k.Log.String(), "not allowed"); told == allowed.admits {
			t.Errorf("%s: the log is %q", name, k.Log)
		}
	}
}

// Only its user and its group may open the socket, and it takes no other file's place.
func TestTheSocket(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "s")
	first, err := keeper.Listen(path, 0o660, -1)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o660 {
		t.Errorf("%v (%v)", info.Mode(), err)
	}
	_, err = keeper.Listen(path, 0o660, -1)
	if err == nil || !strings.Contains(err.Error(), "another keeper") {
		t.Errorf("beside another keeper: %v", err)
	}
	first.SetUnlinkOnClose(false) // as if it was killed
	err = first.Close()
	if err != nil {
		t.Fatal(err)
	}
	second, err := keeper.Listen(path, 0o600, -1)
	if err != nil {
		t.Fatalf("after a keeper that was killed: %v", err)
	}
	_ = second.Close()
	file := filepath.Join(folder, "master.key")
	err = os.WriteFile(file, []byte("a key"), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	_, err = keeper.Listen(file, 0o600, -1)
	text, readErr := os.ReadFile(file)
	if err == nil || string(text) != "a key" || readErr != nil {
		t.Errorf("in the place of a file: %v, and the file has %q", err, text)
	}
}

// A thief who opens everything meets the limit, and the log shows counts and nothing else.
func TestOpeningManyValuesIsLimitedAndCounted(t *testing.T) {
	key := newKey(t)
	var mutex sync.Mutex
	now := time.Now()
	k := keepertest.Start(t, key, func(o *keeper.Options) {
		o.Opens, o.Count = 5, time.Hour
		o.Now = func() time.Time { mutex.Lock(); defer mutex.Unlock(); return now }
	})
	v := open(t, vault.Options{Socket: k.Socket})
	sealed, err := v.Seal([]byte("the owner's name"), place)
	if err != nil {
		t.Fatal(err)
	}
	list := slices.Repeat([]vault.Sealed{{Value: sealed, Place: place}}, 70)
	_, err = v.OpenAll(list) // the bucket is full, and owes 20 afterwards
	if err != nil {
		t.Fatal(err)
	}
	_, err = v.Open(sealed, place)
	isAway(t, "above the limit", err)
	_, err = v.MAC(nil)
	if err != nil {
		t.Errorf("a hash opens nothing, and is not limited: %v", err)
	}
	mutex.Lock()
	now = now.Add(5 * time.Second)
	mutex.Unlock()
	_, err = v.Open(sealed, place)
	if err != nil {
		t.Errorf("later: %v", err)
	}
	k.End()
	line := k.Log.String()
	for _, part := range []string{"opened=71", "hashed=1", "over_limit=1", "not_opened=0"} {
		if !strings.Contains(line, part) {
			t.Errorf("the log lacks %s: %s", part, line)
		}
	}
	if strings.Contains(line, "owner") {
		t.Errorf("the log shows what was opened: %s", line)
	}
}

// What is no request of this version is refused with a text, and the connection ends.
func TestARequestThatIsNone(t *testing.T) {
	k := keepertest.Start(t, newKey(t), nil)
	long := [][]byte{make([]byte, wire.MostKey+1)}
	for name, request := range map[string][]byte{
		"another version":    {0, 0, 0, 4, wire.Version + 1, wire.Names, 0, 0},
		"an unknown kind":    {0, 0, 0, 4, wire.Version, 77, 0, 0},
		"no message":         {0, 0, 0, 1, 9},
		"a large data key":   written(t, wire.Message{Kind: wire.Wrap, Items: long}),
		"a large value":      written(t, wire.Message{Kind: wire.Unwrap, Items: [][]byte{make([]byte, wire.MostWrapped+1)}}),
		"names with an item": written(t, wire.Message{Kind: wire.Names, Items: [][]byte{nil}}),
	} {
		conn, err := net.Dial("unix", k.Socket+".inner")
		if err != nil {
			t.Fatal(err)
		}
		_, err = conn.Write(request)
		if err != nil {
			t.Fatal(err)
		}
		answer, body, err := wire.Read(conn, nil)
		if err != nil || answer.Kind != wire.Refused {
			t.Errorf("%s: %v (%v)", name, answer, err)
		}
		_, _, err = wire.Read(conn, body)
		if err == nil {
			t.Errorf("%s: the connection goes on", name)
		}
		_ = conn.Close()
	}
}

func written(t testing.TB, m wire.Message) []byte {
	t.Helper()
	text, err := m.Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// A keeper that hangs keeps operations waiting once, and not again and again.
func TestAKeeperThatHangs(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "s")
	listener, err := keeper.Listen(path, 0o600, -1)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	v := open(t, vault.Options{Socket: path})
	isAway(t, "the first", v.Check())
	err = listener.Close() // from now on a look at it would find it gone
	if err != nil {
		t.Fatal(err)
	}
	err = v.Check()
	isAway(t, "the next", err)
	if !strings.Contains(err.Error(), "a moment ago") {
		t.Errorf("the next one has asked: %v", err)
	}
}

// FuzzRequest gives a keeper foreign bytes: it answers, or ends the connection, and serves others.
func FuzzRequest(f *testing.F) {
	k := keepertest.Start(f, newKey(f), nil)
	v := open(f, vault.Options{Socket: k.Socket})
	for _, m := range []wire.Message{
		{Kind: wire.Names}, {Kind: wire.Wrap, Items: [][]byte{[]byte("key")}}, {Kind: wire.Unwrap, Items: [][]byte{{}, []byte("key")}},
		{Kind: wire.Rewrap, Items: [][]byte{{1, 0, 0, 0, 1, 9}}}, {Kind: wire.Hash, Items: [][]byte{[]byte("data")}},
	} {
		f.Add(written(f, m))
	}
	f.Fuzz(func(t *testing.T, foreign []byte) {
		conn, err := net.Dial("unix", k.Socket+".inner")
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_, err = conn.Write(foreign)
		if err == nil {
			err = conn.(*net.UnixConn).CloseWrite()
		}
		for err == nil {
			_, _, err = wire.Read(conn, nil)
		}
		err = v.Check()
		if err != nil {
			t.Fatal(err)
		}
	})
}

func BenchmarkOpen(b *testing.B)    { benchmark(b, 1) }
func BenchmarkOpen100(b *testing.B) { benchmark(b, 100) }

func BenchmarkSeal(b *testing.B) {
	each(b, func(b *testing.B, v *vault.Vault) {
		row := make([]byte, 600)
		for b.Loop() {
			_, err := v.Seal(row, place)
			if err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkHash(b *testing.B) {
	each(b, func(b *testing.B, v *vault.Vault) {
		for b.Loop() {
			_, err := v.MAC([]byte("password attempts\x00somebody"))
			if err != nil {
				b.Fatal(err)
			}
		}
	})
}

func benchmark(b *testing.B, n int) {
	each(b, func(b *testing.B, v *vault.Vault) {
		sealed, err := v.Seal(make([]byte, 600), place)
		if err != nil {
			b.Fatal(err)
		}
		list := slices.Repeat([]vault.Sealed{{Value: sealed, Place: place}}, n)
		for b.Loop() {
			_, err := v.OpenAll(list)
			if err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/value")
	})
}

// each measures with the key in this process and with a keeper, whose goroutines share it here.
func each(b *testing.B, do func(*testing.B, *vault.Vault)) {
	key := newKey(b)
	k := keepertest.Start(b, key, nil)
	b.Run("own", func(b *testing.B) { do(b, open(b, key)) })
	b.Run("keeper", func(b *testing.B) { do(b, open(b, vault.Options{Socket: k.Socket + ".inner"})) })
}
