package e2e_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"
)

// search finds texts in bytes, in every encoding in which they may occur.
type search struct {
	text, name string
	forms      [][]byte
	// whole is set for a text so short that it occurs within others by chance.
	whole *regexp.Regexp
}

// searchFor prepares the search for a text; a finding is reported by its name.
func searchFor(name, text string) search {
	if len(text) < 10 {
		return search{text, name, nil, regexp.MustCompile(`(^|[^0-9A-Za-z.])` + regexp.QuoteMeta(text) + `($|[^0-9A-Za-z])`)}
	}
	var little, big []byte
	for _, unit := range utf16.Encode([]rune(text)) {
		little = append(little, byte(unit), byte(unit>>8))
		big = append(big, byte(unit>>8), byte(unit))
	}
	inHex := hex.EncodeToString([]byte(text))
	forms := [][]byte{[]byte(text), []byte(inHex), []byte(strings.ToUpper(inHex)), little, big}
	for _, alphabet := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		for before := range 3 {
			// The part of the encoding that depends on the text alone, at every offset.
			encoded := alphabet.EncodeToString(append(make([]byte, before), text...))
			forms = append(forms, []byte(encoded[(before*8+5)/6:(before+len(text))*8/6]))
		}
	}
	slices.SortFunc(forms, bytes.Compare)
	return search{text, name, slices.CompactFunc(forms, bytes.Equal), nil}
}

func (s search) found(in []byte) bool {
	if s.whole != nil {
		return s.whole.Match(in)
	}
	return slices.ContainsFunc(s.forms, func(form []byte) bool { return bytes.Contains(in, form) })
}

// inFiles returns the searches that find something below a directory, by name and file.
func inFiles(t *testing.T, directory string, searches []search) []string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(directory, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return gone(err)
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return gone(err)
		}
		for _, s := range searches {
			if s.found(content) {
				found = append(found, s.name+" in "+filepath.Base(path))
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// gone ignores files that a running database removes.
func gone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
