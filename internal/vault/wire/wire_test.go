package wire_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"

	"github.com/oxlin/oxlin/internal/vault/wire"
)

func equal(a, b wire.Message) bool {
	return a.Kind == b.Kind && slices.EqualFunc(a.Items, b.Items, bytes.Equal)
}

func TestAMessageIsReadAsItWasWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var stream []byte
		messages := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) wire.Message {
			return wire.Message{
				Kind:  rapid.Byte().Draw(t, "kind"),
				Items: rapid.SliceOfN(rapid.SliceOfN(rapid.Byte(), 0, 50), 0, 5).Draw(t, "items"),
			}
		}), 1, 4).Draw(t, "messages")
		for _, m := range messages {
			var err error
			stream, err = m.Append(stream)
			if err != nil {
				t.Fatal(err)
			}
		}
		from, buffer := iotest.OneByteReader(bytes.NewReader(stream)), []byte(nil)
		for _, want := range messages {
			got, body, err := wire.Read(from, buffer)
			if err != nil || !equal(got, want) {
				t.Fatalf("read %v (%v), wrote %v", got, err, want)
			}
			buffer = body
		}
		_, _, err := wire.Read(from, buffer)
		if err != io.EOF {
			t.Fatalf("after the last message: %v", err)
		}
	})
}

func TestWhatIsNoMessageIsRefused(t *testing.T) {
	whole, err := wire.Message{Kind: wire.Hash, Items: [][]byte{[]byte("one"), []byte("two")}}.Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	change := func(at int, to byte) []byte {
		changed := bytes.Clone(whole)
		changed[at] = to
		return changed
	}
	many := binary.BigEndian.AppendUint16([]byte{0, 0, 0, 4, wire.Version, wire.Wrap}, wire.MostItems+1)
	for name, c := range map[string]struct {
		bytes []byte
		want  error
	}{
		"no byte":                   {nil, io.EOF},
		"half a length":             {whole[:2], io.ErrUnexpectedEOF},
		"cut off":                   {whole[:len(whole)-1], io.ErrUnexpectedEOF},
		"only a length":             {whole[:4], io.ErrUnexpectedEOF},
		"a length of zero":          {make([]byte, 8), wire.ErrMessage},
		"a length beyond all":       {[]byte{0xff, 0xff, 0xff, 0xff, 1}, wire.ErrMessage},
		"another version":           {change(4, wire.Version+1), wire.ErrMessage},
		"more items than there are": {change(7, 3), wire.ErrMessage},
		"fewer items":               {change(7, 1), wire.ErrMessage},
		"an item beyond the end":    {change(8, 0xff), wire.ErrMessage},
		"too many items":            {many, wire.ErrMessage},
	} {
		_, _, err := wire.Read(bytes.NewReader(c.bytes), nil)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	for name, m := range map[string]wire.Message{
		"too many items": {Items: make([][]byte, wire.MostItems+1)},
		"too long":       {Items: [][]byte{make([]byte, wire.MostBytes)}},
	} {
		_, err := m.Append(nil)
		if !errors.Is(err, wire.ErrMessage) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A length alone takes little memory: its bytes have to come.
func TestALengthTakesNoMemory(t *testing.T) {
	head := binary.BigEndian.AppendUint32(nil, wire.MostBytes)
	_, body, err := wire.Read(bytes.NewReader(append(head, 1, 2, 3)), nil)
	if !errors.Is(err, io.ErrUnexpectedEOF) || cap(body) > 1<<20 {
		t.Errorf("%d bytes of memory for three (%v)", cap(body), err)
	}
}

func FuzzMessage(f *testing.F) {
	for _, m := range []wire.Message{
		{Kind: wire.Names}, {Kind: wire.Unwrap, Items: [][]byte{{}, []byte("key")}}, {Kind: wire.OK, Items: [][]byte{{wire.Done, 7}}},
	} {
		text, err := m.Append(nil)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, foreign []byte) {
		m, _, err := wire.Read(bytes.NewReader(foreign), nil)
		if err != nil {
			return
		}
		again, err := m.Append(nil)
		if err != nil || !bytes.HasPrefix(foreign, again) {
			t.Fatalf("%x was read as %v, which is %x (%v)", foreign, m, again, err)
		}
	})
}
