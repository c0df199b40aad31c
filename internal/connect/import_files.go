package connect

import (
	"context"
	"sync"
	"time"

	"github.com/oxlin/oxlin"
)

// A file is in memory from its first byte until it is imported, so these limits are those of a process.
const (
	// mostFiles are on their way or wait for their turn, mostFilesOfClient of them for one client, and
	// one for a user.
	mostFiles, mostFilesOfClient = 6, 2
	// mostImports are imported at once; the others wait.
	mostImports = 2
	// filePause is after how long somebody without a place may try again.
	filePause = 5 * time.Second
)

// UploadTime is how long a file may take on its way, and ImportTime an import with its answer. A listener gives
// other requests less.
const (
	UploadTime = 5 * time.Minute
	ImportTime = 10 * time.Minute
)

// files holds the places of the files that a process receives, and their turns.
type files struct {
	mutex  sync.Mutex
	places map[oxlin.UserID]oxlin.ClientID
	turns  chan struct{}
}

func newFiles() files {
	return files{places: make(map[oxlin.UserID]oxlin.ClientID), turns: make(chan struct{}, mostImports)}
}

// Receive takes a place for a file of the caller's user. Call it before the file is read, and release
// after its import. The error is CodeTooManyRequests with RetryAfter if another file of the user, or too
// many of the client or of all, have one.
func (i *Imports) Receive(caller oxlin.Caller) (release func(), err error) {
	f, user, client := &i.files, caller.UserID, caller.Client.ID
	f.mutex.Lock()
	defer f.mutex.Unlock()
	ofClient := 0
	for _, holder := range f.places {
		if holder == client {
			ofClient++
		}
	}
	_, held := f.places[user]
	if held || ofClient >= mostFilesOfClient || len(f.places) >= mostFiles {
		return nil, &oxlin.Error{Code: oxlin.CodeTooManyRequests, RetryAfter: filePause, Message: "Another file is being imported; send this one again later."}
	}
	f.places[user] = client
	return func() {
		f.mutex.Lock()
		defer f.mutex.Unlock()
		delete(f.places, user)
	}, nil
}

// turn waits until a file may be imported, or ctx is done.
func (f *files) turn(ctx context.Context) (release func(), err error) {
	select {
	case f.turns <- struct{}{}:
		return func() { <-f.turns }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
