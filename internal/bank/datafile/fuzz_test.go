package datafile_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/oxlin/oxlin/internal/bank/datafile"
)

// An operator's file without a reported fault is one that a strict decoder takes too.
func FuzzFile(f *testing.F) {
	for _, seed := range []string{
		`{"name": "{{bank}}", "list": [{"count": 1}], "deep": {"name": 1}}`, `{"name": 1, "count": "x"}`, `[]`, `null`, `{`, `{} {}`, `{"count": 1e400}`, "\xff",
	} {
		f.Add([]byte(seed))
	}
	type item struct {
		Count int `json:"count"`
	}
	type file struct {
		Name string            `json:"name"`
		List []item            `json:"list"`
		Deep map[string]string `json:"deep"`
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		tree, err := datafile.Parse(text)
		if err != nil {
			return
		}
		var report datafile.Report
		filled := datafile.Fill(tree, report.Root(), func(string) (string, bool) { return "value", true })
		var read, strict file
		datafile.Decode(filled, &read, report.Root())
		if report.Err() != nil {
			return
		}
		written, err := json.Marshal(filled)
		if err != nil {
			t.Fatal(err)
		}
		decoder := json.NewDecoder(bytes.NewReader(written))
		decoder.DisallowUnknownFields()
		err = decoder.Decode(&strict)
		if err != nil {
			t.Fatalf("%s has no fault: %v", text, err)
		}
		if diff := cmp.Diff(strict, read); diff != "" {
			t.Errorf("%s: %s", text, diff)
		}
	})
}
