package website

import (
	"strconv"
	"strings"

	"github.com/oxlin/oxlin"
)

// reader parses values of a page's facts. A missing fact has no value; the first value
// that cannot be parsed sets the error.
type reader struct {
	notation Notation
	facts    map[string]string
	err      error
}

func (r *reader) fail(name string) {
	if r.err == nil {
		r.err = nonsense("%q cannot be read", name)
	}
}

func (r *reader) date(name string) oxlin.Date {
	text := r.facts[name]
	if text == "" {
		return oxlin.Date{}
	}
	day, err := r.notation.Date(text)
	if err != nil {
		r.fail(name)
	}
	return day
}

func (r *reader) amount(name string) *oxlin.Amount {
	text := r.facts[name]
	if text == "" {
		return nil
	}
	amount, _, err := r.notation.Amount(text)
	if err != nil {
		r.fail(name)
		return nil
	}
	return &amount
}

// rate parses a percentage.
func (r *reader) rate(name string) *oxlin.Amount {
	text := strings.TrimRight(r.facts[name], spaces+"%")
	if text == "" {
		return nil
	}
	rate, _, err := r.notation.Amount(text)
	if err != nil {
		r.fail(name)
		return nil
	}
	return &rate
}

func (r *reader) count(name string) *int {
	text := r.facts[name]
	if text == "" {
		return nil
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		r.fail(name)
		return nil
	}
	return &n
}
