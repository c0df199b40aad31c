package console

import (
	"net/http"
	"strings"

	"github.com/oxlin/oxlin"
)

// settingField is the field of a declared setting of clients.
type settingField struct {
	oxlin.Setting
	// Value fills the field. That of a secret is never shown.
	Value string
	// Stored is set if a secret is stored.
	Stored bool
}

// hint is shown in the empty field of a secret.
func (f settingField) hint() string {
	if f.Stored {
		return "Stored. Leave this empty to keep it."
	}
	return f.Example
}

// removal is the name of the field that removes a secret.
func (f settingField) removal() string { return f.Name + "_remove" }

// storedSettings returns the fields of a client's form: form has the values, stored the
// secrets.
func (c *Console) storedSettings(form, stored oxlin.Settings) (fields []settingField) {
	for _, setting := range c.options.Clients.Settings() {
		fields = append(fields, settingField{setting, form[setting.Name].Value, stored.Has(setting.Name)})
	}
	return fields
}

// newSettings returns the fields of the form for a new client, with the submitted values.
func (c *Console) newSettings(submitted map[string]oxlin.Secret) (fields []settingField) {
	for _, setting := range c.options.Clients.Settings() {
		field := settingField{Setting: setting}
		if setting.Kind != oxlin.SettingSecret {
			field.Value = submitted[setting.Name].Reveal()
		}
		fields = append(fields, field)
	}
	return fields
}

// submittedSettings reads the declared settings of a form. An empty field keeps a secret,
// because its form does not show it.
func (c *Console) submittedSettings(r *http.Request) map[string]oxlin.Secret {
	values := map[string]oxlin.Secret{}
	for _, field := range c.newSettings(nil) {
		value := r.PostFormValue(field.Name)
		if field.Kind != oxlin.SettingSecret {
			value = strings.TrimSpace(value)
		}
		if field.Kind == oxlin.SettingSecret && value == "" && r.PostFormValue(field.removal()) == "" {
			continue
		}
		values[field.Name] = oxlin.NewSecret(value)
	}
	return values
}
