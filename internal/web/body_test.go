package web_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/oxlin/oxlin/internal/web"
)

// memory reads a text, and keeps the memory that it was written to.
type memory struct {
	io.Reader
	parts [][]byte
}

func (m *memory) Read(into []byte) (int, error) {
	n, err := m.Reader.Read(into)
	m.parts = append(m.parts, into[:n])
	return n, err
}

func TestABodyLeavesNoCopy(t *testing.T) {
	text := strings.Repeat("password=swordfish&", 1000)
	broken := errors.New("broken")
	for name, from := range map[string]io.Reader{
		"whole": strings.NewReader(text), "byte by byte": iotest.OneByteReader(strings.NewReader(text)), "the end with the last byte": iotest.DataErrReader(strings.NewReader(text)),
		"broken off": io.MultiReader(strings.NewReader(text), iotest.ErrReader(broken)),
	} {
		m := &memory{Reader: from}
		body, err := web.ReadBody(m)
		if name == "broken off" {
			if !errors.Is(err, broken) || body != nil {
				t.Errorf("%s: %d bytes (%v)", name, len(body), err)
			}
		} else if err != nil || string(body) != text {
			t.Errorf("%s: %d bytes of %d (%v)", name, len(body), len(text), err)
		}
		clear(body)
		for _, part := range m.parts {
			if len(bytes.Trim(part, "\x00")) > 0 {
				t.Errorf("%s: %q stays", name, part)
				break
			}
		}
	}
}
