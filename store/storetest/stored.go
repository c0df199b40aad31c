package storetest

import (
	"bytes"
	"encoding"
	"encoding/json"
	"reflect"
	"testing"
)

// Stored holds the JSON in which a type is stored. The text has every field of the type,
// none of them empty; it must read into a T without a remainder, and a T must write the
// same again.
//
// Where it fails, a stored name has changed, and what installations have stored would not
// be read any more: give the field its old name as a tag. A new field is added to the
// text; a field that goes is taken out of it, and stays unknown to whoever reads old rows.
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

// empty finds the stored fields that have no value, by their paths.
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
