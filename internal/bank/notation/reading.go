package notation

// Reading is the result of reading a value of a record: the value, or absent, or
// unreadable. The zero Reading is absent.
type Reading[T any] struct {
	value T
	state state
}

type state int8

const (
	absent state = iota
	told
	unreadable
)

// Told returns the reading of a value that the bank told.
func Told[T any](value T) Reading[T] { return Reading[T]{value, told} }

// Absent returns the reading of a value that the bank left out.
func Absent[T any]() Reading[T] { return Reading[T]{} }

// Unreadable returns the reading of a text that is not one value.
func Unreadable[T any]() Reading[T] { return Reading[T]{state: unreadable} }

// Told returns the value; ok is false if it is absent or unreadable.
func (r Reading[T]) Told() (value T, ok bool) { return r.value, r.state == told }

// IsAbsent reports whether the bank left the value out.
func (r Reading[T]) IsAbsent() bool { return r.state == absent }

// IsUnreadable reports whether the bank wrote something that is not one value.
func (r Reading[T]) IsUnreadable() bool { return r.state == unreadable }

// Or returns the value, or other if the bank told no readable one.
func (r Reading[T]) Or(other T) T {
	if r.state != told {
		return other
	}
	return r.value
}
