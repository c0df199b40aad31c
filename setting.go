package oxlin

// Setting declares a value that operators set, for a client or for a process. The room
// that needs the value declares it. Forms, command lines and rows follow the declaration,
// so that a new setting changes none of them.
type Setting struct {
	// Name is the name in forms and rows: webhook_url. It never changes. A command line
	// has hyphens instead: --webhook-url.
	Name string
	Kind SettingKind
	// Required is set if the values of the other settings are useless without this one.
	Required bool
	// Label describes the value in a form, Help on a command line.
	Label, Help string
	// Example is shown in an empty field of a form, Placeholder in the help of a command.
	Example, Placeholder string
	// Check refuses a value with an error for operators; nil accepts all. It is never
	// called for an empty value, which removes the setting.
	Check func(value string) error
}

// SettingKind is the form of a setting's values.
type SettingKind int

// The kinds of settings.
const (
	// SettingText is one line of text, which pages show.
	SettingText SettingKind = iota
	// SettingSecret is a text that is sealed, and that no page shows.
	SettingSecret
	// SettingSwitch is SettingOn or empty.
	SettingSwitch
	// SettingFile is the name of a file, for processes only.
	SettingFile
)

// SettingOn is the value of a switch that is on.
const SettingOn = "yes"

// Settings are stored values by the names of their settings. A setting without a value
// is not in the map.
type Settings map[string]SettingValue

// SettingValue is one stored value: readable, or sealed if it is a secret.
type SettingValue struct {
	Value  string `json:"value,omitempty"`
	Sealed []byte `json:"sealed,omitempty"`
}

// Has reports whether a setting has a value.
func (s Settings) Has(name string) bool {
	_, found := s[name]
	return found
}
