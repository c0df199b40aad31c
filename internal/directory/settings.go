package directory

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/vault"
)

// The place of a sealed setting. It is stored with every one and never changes.
const (
	settingTable  = "clients"
	settingColumn = "settings"
)

func settingPlace(id oxlin.ClientID, name string) vault.Place {
	return vault.Place{Table: settingTable, Column: settingColumn, Row: string(id) + "/" + name}
}

// Settings returns the declared settings of clients.
func (s *Clients) Settings() []oxlin.Setting { return slices.Clone(s.settings) }

// Set returns a client with new values of settings. A setting that values does not name
// keeps its value, and an empty value removes it. Secrets are sealed; one that is the
// same as before keeps its seal. Change checks the values, and stores them.
func (s *Clients) Set(c oxlin.Client, values map[string]oxlin.Secret) (oxlin.Client, error) {
	set := oxlin.Settings{}
	maps.Copy(set, c.Settings)
	for name, value := range values {
		i := slices.IndexFunc(s.settings, func(declared oxlin.Setting) bool { return declared.Name == name })
		switch {
		case i < 0:
			return c, oxlin.Invalid(name, "There is no such setting.")
		case value.IsZero():
			delete(set, name)
		case s.settings[i].Kind == oxlin.SettingSecret:
			before, err := s.Value(c, name)
			if err == nil && before == value {
				continue // it keeps its seal
			}
			sealed, err := s.vault.SealSecret(value, settingPlace(c.ID, name))
			if err != nil {
				return c, fmt.Errorf("client %s: %w", c.ID, err)
			}
			set[name] = oxlin.SettingValue{Sealed: sealed}
		default:
			set[name] = oxlin.SettingValue{Value: value.Reveal()}
		}
	}
	c.Settings = set
	return c, nil
}

// Value returns the value of a client's setting; zero without one.
func (s *Clients) Value(c oxlin.Client, name string) (oxlin.Secret, error) {
	stored := c.Settings[name]
	if len(stored.Sealed) == 0 {
		return oxlin.NewSecret(stored.Value), nil
	}
	value, err := s.vault.OpenSecret(stored.Sealed, settingPlace(c.ID, name))
	if err != nil {
		return oxlin.Secret{}, fmt.Errorf("setting %s of client %s: %w", name, c.ID, err)
	}
	return value, nil
}

// checkSettings checks the values of the declared settings that differ from those before.
// A value that another release accepted does not prevent a change of something else.
func (s *Clients) checkSettings(c, before oxlin.Client) error {
	for _, declared := range s.settings {
		stored, same := c.Settings[declared.Name], before.Settings[declared.Name]
		if !c.Settings.Has(declared.Name) || stored.Value == same.Value && bytes.Equal(stored.Sealed, same.Sealed) {
			continue
		}
		value, err := s.Value(c, declared.Name)
		if err != nil {
			return err
		}
		err = checkSetting(declared, value.Reveal())
		if err != nil {
			return err
		}
	}
	return nil
}

// checkSetting checks a value by its kind and by its declaration. An error about a secret
// does not repeat it.
func checkSetting(declared oxlin.Setting, value string) error {
	if !oxlin.IsText(value) || strings.ContainsFunc(value, unicode.IsControl) {
		return oxlin.Invalid(declared.Name, "A setting is one line of text.")
	}
	if declared.Kind == oxlin.SettingSwitch && value != oxlin.SettingOn {
		return oxlin.Invalid(declared.Name, "A switch is %q or empty.", oxlin.SettingOn)
	}
	if declared.Check == nil {
		return nil
	}
	err := declared.Check(value)
	if err == nil {
		return nil
	}
	message := err.Error()
	var shown *oxlin.Error
	if errors.As(err, &shown) {
		message = shown.Message
	}
	if declared.Kind == oxlin.SettingSecret && strings.Contains(message, value) {
		message = "The value is refused."
	}
	return oxlin.Invalid(declared.Name, "%s", message)
}
