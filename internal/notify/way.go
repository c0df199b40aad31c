package notify

import (
	"fmt"
	"log/slog"
	"regexp"

	"github.com/oxlin/oxlin"
)

// Ways returns the ways to tell clients about events. A further way is a file in this
// package and an item of this list.
func Ways() []Way { return []Way{webhook} }

// Way declares a way to tell clients about events. The console, the command line and the
// rows of clients follow the declaration.
type Way struct {
	// Name is stored in jobs, and with the settings of clients. It never changes.
	Name string
	// Settings are set by operators for a client. The reader serves the clients that have
	// the required ones. Their names are those within this way: url is webhook_url elsewhere.
	Settings []oxlin.Setting
	// Flags are set by operators for a process. They are named like Settings.
	Flags []oxlin.Setting
	// Open makes the reader of a process.
	Open func(Process) (Reader, error)
}

// Process holds the values that the readers of a process share.
type Process struct {
	// Flags are the values of the flags; for a reader by their names within its way.
	Flags map[string]oxlin.Secret
	// Works is set if this process works jobs. Without it, readers are asked what they
	// follow, and tell nothing.
	Works bool
	// Render returns the API's JSON of an event.
	Render func(oxlin.Event) ([]byte, error)
	Log    *slog.Logger
}

// Settings returns the settings of clients, for all ways.
func Settings(ways []Way) (all []oxlin.Setting) {
	for _, way := range ways {
		all = append(all, way.outside(way.Settings)...)
	}
	return all
}

// Flags returns the settings of processes, for all ways.
func Flags(ways []Way) (all []oxlin.Setting) {
	for _, way := range ways {
		all = append(all, way.outside(way.Flags)...)
	}
	return all
}

// outside returns settings with their names outside of the way.
func (w Way) outside(settings []oxlin.Setting) []oxlin.Setting {
	var named []oxlin.Setting
	for _, setting := range settings {
		setting.Name = w.nameOf(setting)
		named = append(named, setting)
	}
	return named
}

func (w Way) nameOf(setting oxlin.Setting) string { return w.Name + "_" + setting.Name }

// serves reports whether a client has all required settings of this way. A way that
// requires none serves all clients.
func (w Way) serves(client oxlin.Client) bool {
	for _, setting := range w.Settings {
		if setting.Required && !client.Settings.Has(w.nameOf(setting)) {
			return false
		}
	}
	return true
}

// plainName matches the names of ways: a part of the names of queues, fields and flags.
var plainName = regexp.MustCompile(`^[a-z][a-z0-9]{0,23}$`)

// open makes the reader of a way in a process.
func (w Way) open(process Process) (opened, error) {
	if !plainName.MatchString(w.Name) {
		return opened{}, fmt.Errorf("a way to notify clients is named by up to 24 lower-case letters and digits, not %q", w.Name)
	}
	flags := map[string]oxlin.Secret{}
	for _, flag := range w.Flags {
		flags[flag.Name] = process.Flags[w.nameOf(flag)]
	}
	process.Flags = flags
	reader, err := w.Open(process)
	if err != nil {
		return opened{}, fmt.Errorf("%s: %w", w.Name, err)
	}
	return opened{w, reader}, nil
}

// opened is a way with the reader of this process.
type opened struct {
	Way
	reader Reader
}
