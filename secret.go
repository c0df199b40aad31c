package oxlin

import "log/slog"

// Secret is a text that prints, logs and marshals as [redacted]. Only Reveal returns
// its value.
type Secret struct{ value string }

const redacted = "[redacted]"

// NewSecret wraps a text.
func NewSecret(value string) Secret { return Secret{value} }

// Reveal returns the text.
func (s Secret) Reveal() string { return s.value }

// IsZero reports whether the text is empty.
func (s Secret) IsZero() bool { return s.value == "" }

func (s Secret) String() string               { return redacted }
func (s Secret) GoString() string             { return redacted }
func (s Secret) LogValue() slog.Value         { return slog.StringValue(redacted) }
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }
