package api

import (
	"crypto/sha256"
	"testing"
	"time"
)

// TestTheMemoryOfWalksIsBounded is internal, because thousands of requests over HTTP would
// take seconds.
func TestTheMemoryOfWalksIsBounded(t *testing.T) {
	clock := time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)
	w := newWalks(func() time.Time { return clock })
	key := func(n int) markKey { return markKey{list: [sha256.Size]byte{byte(n), byte(n >> 8)}, page: 2} }
	at := clock.Add(-time.Hour)
	w.remember("neighbour", key(0), at)
	for n := range mostMarks + 100 {
		w.remember("busy", key(n), at)
	}
	for n, want := range map[int]bool{0: false, 99: false, 100: true, mostMarks + 99: true} {
		if _, known := w.find("busy", key(n)); known != want {
			t.Errorf("mark %d of the busy client: known is %t", n, known)
		}
	}
	if after, known := w.find("neighbour", key(0)); !known || !after.Equal(at) {
		t.Errorf("the neighbour's mark: %v, %t", after, known)
	}
	if n := len(w.clients["busy"].byPage); n != mostMarks {
		t.Errorf("the busy client has %d marks", n)
	}
	clock = clock.Add(walkTime)
	w.remember("late", key(1), at)
	if len(w.clients) != 1 {
		t.Errorf("after %v there are marks of %d clients", walkTime, len(w.clients))
	}
}
