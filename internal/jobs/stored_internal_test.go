package jobs

import (
	"testing"

	"github.com/riverqueue/river"

	"github.com/oxlin/oxlin/internal/store/storetest"
)

// TestStoredJobs holds what waits in the engine's table: kinds, queues and arguments.
func TestStoredJobs(t *testing.T) {
	for kind, args := range map[string]river.JobArgs{
		"run": runArgs{}, "revoke": revokeArgs{}, "notify": notifyArgs{}, "webhook": webhookArgs{}, "sweep": sweepArgs{},
	} {
		if args.Kind() != kind {
			t.Errorf("jobs that wait as %q would be looked for as %q", kind, args.Kind())
		}
	}
	for queue, want := range map[string]group{
		runQueue("87", "sandbox-licensed", true):                                   {"present_87_sandbox-licensed", "87", "sandbox-licensed", true},
		runQueue("87", "sandbox-licensed", false):                                  {"absent_87_sandbox-licensed", "87", "sandbox-licensed", false},
		runQueue("87", "", false):                                                  {"absent_87", "87", "", false},
		runQueue("87", "An id of the operator's own, with all it takes_to", false): {"absent_87_x3cb4a3ee8813b02d1fb797", "87", "x3cb4a3ee8813b02d1fb797", false},
		runQueue("", "", true):                                                     {"present", "", "", true},
		"default":                                                                  {"default", "", "", true}, // of earlier releases, and of sweeps
		notifyQueueOf("sandbox", "webhook"):                                        {"webhook_sandbox", "webhook_sandbox", "sandbox", true},
		notifyQueueOf("sandbox", ""):                                               {"notify_sandbox", "notify_sandbox", "sandbox", true},
		notifyQueueOf("sandbox", "mail"):                                           {"notify_sandbox_mail", "notify_sandbox_mail", "sandbox", true},
		"webhooks":                                                                 {"webhooks", "", "", true}, // of earlier releases
	} {
		if groupOf(queue) != want {
			t.Errorf("jobs that wait as %+v would be looked for as %+v", groupOf(queue), want)
		}
	}
	storetest.Stored[runArgs](t, `{"synchronisation": 7}`)
	storetest.Stored[revokeArgs](t, `{"provider": "87", "definition": "8701", "sealed": "c2VhbGVk"}`)
	storetest.Stored[notifyArgs](t, `{"user": 1, "event": 2, "reader": "webhook"}`)
	storetest.Stored[webhookArgs](t, `{"user": 1, "event": 2}`)
}
