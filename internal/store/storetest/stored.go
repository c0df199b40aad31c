package storetest

import (
	"bytes"
	"encoding"
	"encoding/json"
	"reflect"
	"testing"
)

// Stored checks the JSON form of a stored type. The text must have a value for every
// field. Decoding must use the whole text, and encoding must return the same text.
//
// A failure means that a stored name has changed, so that existing rows could no longer
// be read: set the previous name as the field's tag. Add new fields to the text, and
// remove deleted ones.
func Stored[T any](t *testing.T, text string) {
	t.Helper()
	var value T
	decoder := json.NewDecoder(bytes.NewReader([]byte(text)))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(&value)
	if err != nil {
		t.Errorf("%T is not read from what is stored: %v", value, err)
		return
	}
	for _, path := range empty(reflect.ValueOf(value), reflect.TypeFor[T]().Name()) {
		t.Errorf("%s has no value in the stored text", path)
	}
	written, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	var before, after any
	err = json.Unmarshal([]byte(text), &before)
	if err != nil {
		t.Fatal(err)
	}
	err = json.Unmarshal(written, &after)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(before, after) {
		t.Errorf("%T is stored as\n%s\nand was stored as\n%s", value, written, text)
	}
}

// empty returns the paths of the stored fields without a value.
func empty(value reflect.Value, path string) []string {
	if value.IsZero() {
		return []string{path}
	}
	_, text := value.Interface().(encoding.TextMarshaler)
	_, whole := value.Interface().(json.Marshaler)
	if text || whole {
		return nil
	}
	var found []string
	switch value.Kind() {
	case reflect.Pointer:
		return empty(value.Elem(), path)
	case reflect.Struct:
		for i := range value.NumField() {
			field := value.Type().Field(i)
			if field.IsExported() && field.Tag.Get("json") != "-" {
				found = append(found, empty(value.Field(i), path+"."+field.Name)...)
			}
		}
	case reflect.Slice:
		for i := range value.Len() {
			found = append(found, empty(value.Index(i), path+"[]")...)
		}
	case reflect.Map:
		for _, key := range value.MapKeys() {
			found = append(found, empty(value.MapIndex(key), path+"[]")...)
		}
	}
	return found
}
