package web

import "io"

// ReadBody reads the whole of a body that may contain a password. The caller overwrites it with
// clear after use; no other copy stays here.
func ReadBody(from io.Reader) ([]byte, error) {
	body := make([]byte, 0, 1024)
	for {
		n, err := from.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		if err == io.EOF {
			return body, nil
		}
		if err != nil {
			clear(body)
			return nil, err
		}
		if len(body) == cap(body) {
			larger := make([]byte, len(body), 2*cap(body))
			copy(larger, body)
			clear(body)
			body = larger
		}
	}
}
