package psd2

import (
	"bufio"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"io"
	"net/http"
	"strings"
)

// decompressor is a transport that undoes the compression of the answers. Go's own
// believes the header, but gateways compress without one, or declare a compression that
// another gateway has undone. So the first bytes decide. The reader of the body limits its
// size, which is that of the decompressed text.
type decompressor struct{ next http.RoundTripper }

func (d decompressor) RoundTrip(request *http.Request) (*http.Response, error) {
	request = request.Clone(request.Context())
	request.Header.Set("Accept-Encoding", "gzip")
	response, err := d.next.RoundTrip(request)
	if err != nil || response.Body == nil {
		return response, err
	}
	deflated := strings.Contains(strings.ToLower(response.Header.Get("Content-Encoding")), "deflate")
	response.Header.Del("Content-Encoding")
	response.Header.Del("Content-Length")
	response.ContentLength, response.Uncompressed = -1, true
	response.Body = &plainBody{compressed: response.Body, deflated: deflated}
	return response, nil
}

// plainBody is a body without its compression.
type plainBody struct {
	compressed io.ReadCloser
	// deflated is set if the header declares deflate, which has no certain first bytes.
	deflated bool
	// plain is nil before the first read.
	plain io.Reader
}

func (b *plainBody) Read(p []byte) (int, error) {
	if b.plain == nil {
		b.plain = decompressed(b.compressed, b.deflated)
	}
	return b.plain.Read(p)
}

func (b *plainBody) Close() error { return b.compressed.Close() }

// decompressed returns a stream without its compressions, of which a second gateway may
// have added one.
func decompressed(stream io.Reader, deflated bool) io.Reader {
	const most = 2
	for range most {
		buffered := bufio.NewReader(stream)
		first, _ := buffered.Peek(64)
		open := compressionOf(first, deflated)
		if open == nil {
			return buffered
		}
		source := &source{stream: buffered}
		opened, err := open(source)
		stream = &layer{plain: opened, source: source, err: err}
		deflated = false
	}
	return stream
}

// compressionOf returns how a stream with these first bytes is opened; nil for a plain one.
func compressionOf(first []byte, deflated bool) func(io.Reader) (io.Reader, error) {
	switch {
	case bytes.HasPrefix(first, []byte("\x1f\x8b\x08")):
		return func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) }
	case len(first) < 2, isText(first):
		return nil
	case first[0] == 0x78 && (int(first[0])<<8|int(first[1]))%31 == 0:
		return func(r io.Reader) (io.Reader, error) { return zlib.NewReader(r) }
	case deflated:
		return func(r io.Reader) (io.Reader, error) { return flate.NewReader(r), nil }
	}
	return nil
}

// isText reports whether a stream that begins with these bytes is JSON or markup.
func isText(first []byte) bool {
	hasControls := bytes.ContainsFunc(first, func(r rune) bool { return r < ' ' && !strings.ContainsRune("\t\r\n", r) })
	start := bytes.TrimLeft(bytes.TrimPrefix(first, []byte("\xef\xbb\xbf")), " \t\r\n")
	return !hasControls && len(start) > 0 && bytes.IndexByte([]byte(`{["<`), start[0]) >= 0
}

// source is the compressed stream, and keeps the error with which it broke.
type source struct {
	stream io.Reader
	err    error
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.stream.Read(p)
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}

// layer is a decompressed stream.
type layer struct {
	plain  io.Reader
	source *source
	// err is why the stream could not be opened.
	err error
	// begun is set once a part of the stream is read.
	begun bool
}

// Read ends where a compressed stream ends too early, as a plain one does: the beginning
// counts. It fails if there is no beginning, if the connection broke, or if a checksum is
// wrong.
func (l *layer) Read(p []byte) (int, error) {
	if l.err != nil {
		return 0, l.err
	}
	n, err := l.plain.Read(p)
	l.begun = l.begun || n > 0
	early := errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, gzip.ErrHeader) // what follows is no second stream
	if early && l.begun && l.source.err == nil {
		err = io.EOF
	}
	return n, err
}
