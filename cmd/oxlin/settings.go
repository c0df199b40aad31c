package main

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/notify"
)

// settingFlags are the values of the settings that a command declares. Their flags follow
// the declarations of the rooms, so that a new setting changes no command.
type settingFlags struct {
	// ways are the ways to notify clients; nil is notify.Ways.
	ways   []notify.Way
	values map[string]oxlin.Secret
}

func (f *settingFlags) take(ways []notify.Way, values map[string]oxlin.Secret) {
	f.ways, f.values = ways, values
}

// declarer is a command with the flags of declared settings. It embeds settingFlags.
type declarer interface {
	declares(ways []notify.Way) []oxlin.Setting
	take(ways []notify.Way, values map[string]oxlin.Secret)
}

// grow returns the type of a command with its flags, those of the settings that it
// declares, and the commands below it. The parser reads flags from the fields of a type.
func grow(command reflect.Type, ways []notify.Way) reflect.Type {
	var fields []reflect.StructField
	for _, field := range reflect.VisibleFields(command) {
		if field.Anonymous || !field.IsExported() {
			continue
		}
		if isCommand(field) {
			field.Type = reflect.PointerTo(grow(field.Type.Elem(), ways))
		}
		fields = append(fields, reflect.StructField{Name: field.Name, Type: field.Type, Tag: field.Tag})
	}
	if command, ok := reflect.New(command).Interface().(declarer); ok {
		for i, setting := range command.declares(ways) {
			fields = append(fields, flagOf(setting, fieldOf(i)))
		}
	}
	return reflect.StructOf(fields)
}

// fill copies what the parser has read from a grown command, and returns the innermost
// command that was named.
func fill(command, grown reflect.Value, ways []notify.Way) (named any) {
	named = command.Addr().Interface()
	for _, field := range reflect.VisibleFields(command.Type()) {
		if field.Anonymous || !field.IsExported() {
			continue
		}
		from, to := grown.FieldByName(field.Name), command.FieldByIndex(field.Index)
		switch {
		case !isCommand(field):
			to.Set(from)
		case !from.IsNil():
			to.Set(reflect.New(field.Type.Elem()))
			named = fill(to.Elem(), from.Elem(), ways)
		}
	}
	if command, ok := command.Addr().Interface().(declarer); ok {
		values := map[string]oxlin.Secret{}
		for i, setting := range command.declares(ways) {
			values[setting.Name] = valueOf(grown.FieldByName(fieldOf(i)).Interface())
		}
		command.take(ways, values)
	}
	return named
}

func isCommand(field reflect.StructField) bool {
	return strings.HasPrefix(field.Tag.Get("arg"), "subcommand:")
}

// fieldOf names the field of a declared setting.
func fieldOf(i int) string { return fmt.Sprintf("Setting%d", i) }

// flagOf returns the field of a setting: webhook_url is --webhook-url.
func flagOf(setting oxlin.Setting, name string) reflect.StructField {
	kind := reflect.TypeFor[string]()
	switch setting.Kind {
	case oxlin.SettingSecret:
		kind = reflect.TypeFor[secretFlag]()
	case oxlin.SettingSwitch:
		kind = reflect.TypeFor[bool]()
	case oxlin.SettingFile:
		kind = reflect.TypeFor[existingFile]()
	}
	tag := fmt.Sprintf("arg:%q help:%q", "--"+strings.ReplaceAll(setting.Name, "_", "-")+",env:OXLIN_"+strings.ToUpper(setting.Name), setting.Help)
	if setting.Placeholder != "" {
		tag += fmt.Sprintf(" placeholder:%q", setting.Placeholder)
	}
	return reflect.StructField{Name: name, Type: kind, Tag: reflect.StructTag(tag)}
}

// valueOf returns the value of a flag.
func valueOf(flag any) oxlin.Secret {
	switch flag := flag.(type) {
	case string:
		return oxlin.NewSecret(flag)
	case existingFile:
		return oxlin.NewSecret(string(flag))
	case secretFlag:
		return flag.Secret
	case bool:
		if flag {
			return oxlin.NewSecret(oxlin.SettingOn)
		}
	}
	return oxlin.Secret{}
}
