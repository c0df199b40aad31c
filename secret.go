package oxlin

import "log/slog"

// Secret is a text that must not be seen: it prints, logs and marshals as
// [redacted]. Only Reveal gives it away, where it is used.
type Secret struct{ value string }

const redacted = "[redacted]"

// NewSecret hides a text.
func NewSecret(value string) Secret { return Secret{value} }

// Reveal gives the text in clear.
func (s Secret) Reveal() string { return s.value }

// IsZero says that there is no secret.
func (s Secret) IsZero() bool { return s.value == "" }

func (s Secret) String() string               { return redacted }
func (s Secret) GoString() string             { return redacted }
func (s Secret) LogValue() slog.Value         { return slog.StringValue(redacted) }
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }
