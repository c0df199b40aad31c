package operator

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/subtle"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"

	"github.com/oxlin/oxlin"
)

// The parameters of RFC 6238 that every authenticator app knows.
const (
	totpPeriod = 30 * time.Second
	totpDigits = 6
	totpKey    = 20 // bytes, the size of SHA-1 (RFC 4226 §4, R6)
	// totpSkew is how many steps the clocks may differ (RFC 6238 §5.2).
	totpSkew = 1
)

var base32Text = base32.StdEncoding.WithPadding(base32.NoPadding)

// newTOTPKey returns a key for a second factor.
func newTOTPKey(random io.Reader) ([]byte, error) {
	key := make([]byte, totpKey)
	_, err := io.ReadFull(random, key)
	return key, err
}

func totpStep(now time.Time) int64 { return now.Unix() / int64(totpPeriod/time.Second) }

// totpCode returns the code of a step (RFC 6238 §4.2, RFC 4226 §5.3).
func totpCode(key []byte, step int64) string {
	mac := hmac.New(sha1.New, key)
	_ = binary.Write(mac, binary.BigEndian, step) // a hash takes everything
	sum := mac.Sum(nil)
	offset := sum[len(sum)-1] & 0x0f
	number := binary.BigEndian.Uint32(sum[offset:]) & 0x7fffffff
	return fmt.Sprintf("%0*d", totpDigits, number%1_000_000)
}

// findStep returns the step near now whose code is given.
func findStep(key []byte, code string, now time.Time) (step int64, ok bool) {
	for at := totpStep(now) - totpSkew; at <= totpStep(now)+totpSkew; at++ {
		if subtle.ConstantTimeCompare([]byte(code), []byte(totpCode(key, at))) == 1 {
			step, ok = at, true
		}
	}
	return step, ok
}

// Enrolment is a second factor that is being set up, as an authenticator app takes it.
type Enrolment struct{ key []byte }

// Key returns the key in groups of four letters, to be typed.
func (e Enrolment) Key() oxlin.Secret {
	return oxlin.NewSecret(grouped(base32Text.EncodeToString(e.key), " "))
}

// URI returns the address that opens an authenticator app, for an operator of a platform.
func (e Enrolment) URI(platform, name string) oxlin.Secret {
	values := url.Values{"secret": {base32Text.EncodeToString(e.key)}, "issuer": {platform}}
	label := url.PathEscape(platform) + ":" + url.PathEscape(name)
	return oxlin.NewSecret("otpauth://totp/" + label + "?" + strings.ReplaceAll(values.Encode(), "+", "%20"))
}

// grouped puts a separator after each four letters.
func grouped(text, separator string) string {
	var groups []string
	for len(text) > 4 {
		groups, text = append(groups, text[:4]), text[4:]
	}
	return strings.Join(append(groups, text), separator)
}
