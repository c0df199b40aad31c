// Package wire is the language between a process of the platform and the keeper of the master
// key: one request and one answer at a time, over a connection on the same machine.
//
// A message is its length in four bytes, the version, a kind, the number of its items in two
// bytes, and each item after its own length in four bytes; all numbers are big-endian. Both sides
// read what they did not write: a message that is too long, has too many items, or does not end
// with its last item is refused as a whole.
//
// The package must never know a key. Start reading at Message.
package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
)

// Version is the version of the messages. A side refuses every other one.
const Version = 1

// The kinds of requests. Each item of a request is independent of the others.
const (
	// Names asks for the names of the keys: no items. The answer is one item, their JSON.
	Names byte = 1
	// Wrap asks to wrap data keys. The answer has an item for each.
	Wrap byte = 2
	// Unwrap asks for data keys. The answer has an item for each: Done and the key, or Lost.
	Unwrap byte = 3
	// Rewrap asks to wrap data keys with the newest master key. The answer has an item for each:
	// Done and the new form, Same if it has that form already, or Lost.
	Rewrap byte = 4
	// Hash asks for keyed hashes. The answer has those of each item with each key, the newest key
	// first, one item after the other.
	Hash byte = 5
)

// The kinds of answers.
const (
	// OK is an answer with the items that the kind of the request describes.
	OK byte = 0x80
	// Refused is the answer to a request that cannot be understood, with a text. It closes the connection.
	Refused byte = 0x81
	// Busy is the answer to a request that comes too soon after the ones before.
	Busy byte = 0x82
)

// The first byte of an item that answers Unwrap or Rewrap.
const (
	Lost byte = 0
	Done byte = 1
	Same byte = 2
)

const (
	// MostItems bounds the items of a message.
	MostItems = 1024
	// MostBytes bounds a message: more than the largest record of a bank, whose hash is asked for.
	MostBytes = 32 << 20
	// MostWrapped bounds a wrapped data key, and MostKey a data key: the keeper seals nothing else.
	MostWrapped, MostKey = 1024, 256

	lengthSize, headSize = 4, 4
)

// ErrMessage means that bytes are not a message of this version.
var ErrMessage = errors.New("not a message of the keeper")

// Message is a request or an answer.
type Message struct {
	Kind  byte
	Items [][]byte
}

// Append appends the bytes of a message.
func (m Message) Append(to []byte) ([]byte, error) {
	size := headSize
	for _, item := range m.Items {
		size += lengthSize + len(item)
	}
	if len(m.Items) > MostItems || size > MostBytes {
		return to, fmt.Errorf("%w: %d items in %d bytes are too many", ErrMessage, len(m.Items), size)
	}
	to = slices.Grow(to, lengthSize+size) // at once, so that no copy stays in memory
	to = binary.BigEndian.AppendUint32(to, uint32(size))
	to = append(to, Version, m.Kind)
	to = binary.BigEndian.AppendUint16(to, uint16(len(m.Items)))
	for _, item := range m.Items {
		to = binary.BigEndian.AppendUint32(to, uint32(len(item)))
		to = append(to, item...)
	}
	return to, nil
}

// piece is how much memory is taken before its bytes have come.
const piece = 64 << 10

// Read reads one message. Its items are parts of body, which is buffer if that is long enough:
// the caller overwrites it after use. An error of the reader is returned as it is, io.EOF only
// before the first byte.
func Read(from io.Reader, buffer []byte) (m Message, body []byte, err error) {
	var length [lengthSize]byte
	_, err = io.ReadFull(from, length[:])
	if err != nil {
		return m, buffer[:0], err
	}
	size := int(binary.BigEndian.Uint32(length[:]))
	if size < headSize || size > MostBytes {
		return m, buffer[:0], fmt.Errorf("%w: a length of %d", ErrMessage, size)
	}
	body = buffer[:0]
	for len(body) < size {
		next := min(size, max(cap(body), len(body)+piece))
		if next > cap(body) {
			larger := make([]byte, len(body), max(next, min(2*cap(body), size)))
			copy(larger, body)
			clear(body)
			body = larger
		}
		n, err := io.ReadFull(from, body[len(body):next])
		body = body[:len(body)+n]
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return m, body, err
		}
	}
	m, err = Parse(body)
	return m, body, err
}

// Parse parses a message without its length. The items are parts of body.
func Parse(body []byte) (Message, error) {
	if len(body) < headSize {
		return Message{}, fmt.Errorf("%w: too short", ErrMessage)
	}
	if body[0] != Version {
		return Message{}, fmt.Errorf("%w: version %d, want %d", ErrMessage, body[0], Version)
	}
	n := int(binary.BigEndian.Uint16(body[2:]))
	if n > MostItems {
		return Message{}, fmt.Errorf("%w: %d items", ErrMessage, n)
	}
	m, rest := Message{Kind: body[1]}, body[headSize:]
	if n > 0 {
		m.Items = make([][]byte, 0, n)
	}
	for range n {
		if len(rest) < lengthSize {
			return Message{}, fmt.Errorf("%w: an item is missing", ErrMessage)
		}
		size := uint64(binary.BigEndian.Uint32(rest))
		rest = rest[lengthSize:]
		if size > uint64(len(rest)) {
			return Message{}, fmt.Errorf("%w: an item is cut off", ErrMessage)
		}
		m.Items = append(m.Items, rest[:size:size])
		rest = rest[size:]
	}
	if len(rest) > 0 {
		return Message{}, fmt.Errorf("%w: %d bytes after the last item", ErrMessage, len(rest))
	}
	return m, nil
}
