package api

import (
	"container/list"
	"crypto/sha256"
	"encoding/json"
	"sync"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store"
)

const (
	// walkTime is how long a client may take from one list page to the next.
	walkTime = 10 * time.Minute
	// mostMarks bounds the memory for one client, to about half a megabyte.
	mostMarks = 4096
)

// walks remembers where list pages of transactions ended, so that the next list page
// continues after their last row while rows are imported (contract §12.1). The memory is
// the node's own: on another node, and after a restart, a list page is found by position.
type walks struct {
	now     func() time.Time
	mu      sync.Mutex
	clients map[oxlin.ClientID]*marks
	swept   time.Time
}

// marks are the ends of one client's list pages; the oldest is at the back.
type marks struct {
	byPage map[markKey]*list.Element
	age    *list.List
}

// markKey identifies a list page by a hash of the token, the user, the filter and the limit.
type markKey struct {
	list [sha256.Size]byte
	page int
}

// mark is the last row before a list page.
type mark struct {
	key   markKey
	after time.Time
	since time.Time
}

func newWalks(now func() time.Time) *walks {
	return &walks{now: now, clients: map[oxlin.ClientID]*marks{}}
}

// listKey hashes everything that list pages of one walk have in common.
func listKey(bearer [sha256.Size]byte, user oxlin.UserID, filter store.TransactionFilter, limit int) ([sha256.Size]byte, error) {
	text, err := json.Marshal([]any{bearer, user, filter, limit})
	return sha256.Sum256(text), err
}

// find returns the instant of import of the last row before a list page, if the client has
// read the list page before it within walkTime.
func (w *walks) find(client oxlin.ClientID, key markKey) (time.Time, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	known := w.clients[client]
	if known == nil || known.byPage[key] == nil {
		return time.Time{}, false
	}
	found := known.byPage[key].Value.(mark)
	return found.after, w.now().Sub(found.since) < walkTime
}

// remember stores the last row before a list page.
func (w *walks) remember(client oxlin.ClientID, key markKey, after time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.now()
	known := w.clients[client]
	if known == nil {
		known = &marks{byPage: map[markKey]*list.Element{}, age: list.New()}
		w.clients[client] = known
	}
	known.forget(key)
	known.byPage[key] = known.age.PushFront(mark{key: key, after: after, since: now})
	for known.age.Len() > mostMarks {
		known.forget(known.age.Back().Value.(mark).key)
	}
	if now.Sub(w.swept) >= walkTime {
		w.swept = now
		w.sweep(now)
	}
}

// sweep forgets all marks that have expired.
func (w *walks) sweep(now time.Time) {
	for client, known := range w.clients {
		for known.age.Len() > 0 && now.Sub(known.age.Back().Value.(mark).since) >= walkTime {
			known.forget(known.age.Back().Value.(mark).key)
		}
		if known.age.Len() == 0 {
			delete(w.clients, client)
		}
	}
}

func (m *marks) forget(key markKey) {
	if element := m.byPage[key]; element != nil {
		m.age.Remove(element)
		delete(m.byPage, key)
	}
}
