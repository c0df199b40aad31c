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
	if queue := (notifyArgs{}).InsertOpts().Queue; queue != "webhooks" {
		t.Errorf("notifications that wait in %q would be looked for in %q", "webhooks", queue)
	}
	storetest.Stored[runArgs](t, `{"synchronisation": 7}`)
	storetest.Stored[revokeArgs](t, `{"provider": "87", "definition": "8701", "sealed": "c2VhbGVk"}`)
	storetest.Stored[notifyArgs](t, `{"user": 1, "event": 2, "reader": "webhook"}`)
	storetest.Stored[webhookArgs](t, `{"user": 1, "event": 2}`)
}
