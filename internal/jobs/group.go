package jobs

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strings"

	"github.com/oxlin/oxlin"
)

// group holds the bank and the client that jobs have in common, and whether their users are
// present. Each group is a queue of the job engine, so that the jobs of a bank that
// hangs are not even looked at when another bank's are wanted.
type group struct {
	queue string
	// bank is the bank, or what receives notifications: a client, in one way.
	bank, client string
	present      bool
}

// The names of queues begin with these words. They are stored with every job that waits.
const (
	presentQueue = "present"
	absentQueue  = "absent"
	// toldQueue holds the notifications of a client: those for all readers, which split, and
	// those of each reader but the first.
	toldQueue = "notify"
	// webhookQueue holds those of the first reader, which are older than other readers.
	webhookQueue = webhookKind
	// notifyQueue held the webhooks of all clients in earlier releases; the engine asks for
	// all notifications under this name.
	notifyQueue = "webhooks"
)

// runQueue returns the queue of a bank's jobs. The client is empty for jobs that belong to
// none, and so is the bank.
func runQueue(provider oxlin.ProviderID, client oxlin.ClientID, present bool) string {
	queue := absentQueue
	if present {
		queue = presentQueue
	}
	if provider != "" {
		queue += "_" + queuePart(string(provider))
	}
	if client != "" {
		queue += "_" + queuePart(string(client))
	}
	return queue
}

// notifyQueueOf returns the queue of a client and a reader, so that a receiver that fails
// delays nothing else. The reader is empty for jobs that split into one for each.
func notifyQueueOf(client oxlin.ClientID, reader string) string {
	part := "_" + queuePart(string(client))
	switch reader {
	case webhookKind:
		return webhookQueue + part
	case "":
		return toldQueue + part
	}
	return toldQueue + part + "_" + queuePart(reader)
}

// isNotifyQueue reports whether a queue holds notifications.
func isNotifyQueue(queue string) bool {
	word, _, _ := strings.Cut(queue, "_")
	return queue == notifyQueue || word == toldQueue || word == webhookQueue
}

// plainPart matches ids that may be part of a queue's name, which River limits to 64
// characters.
var plainPart = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

// queuePart returns an id as a part of a queue's name: a hash, if it is long or has other
// characters.
func queuePart(id string) string {
	if len(id) <= 24 && plainPart.MatchString(id) {
		return id
	}
	sum := sha256.Sum256([]byte(id))
	return "x" + hex.EncodeToString(sum[:11])
}

// groupOf returns the group of a queue. The queues of earlier releases are groups without a
// bank.
func groupOf(queue string) group {
	word, rest, _ := strings.Cut(queue, "_")
	first, second, _ := strings.Cut(rest, "_")
	switch word {
	case presentQueue, absentQueue:
		return group{queue, first, second, word == presentQueue}
	case webhookQueue, toldQueue:
		return group{queue, queue, first, true}
	}
	return group{queue: queue, present: true}
}
