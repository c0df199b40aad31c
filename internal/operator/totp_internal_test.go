package operator

import (
	"net/url"
	"testing"
	"time"
)

// The values of RFC 6238, appendix B, for SHA-1; their last six digits.
func TestTOTPIsThatOfTheRFC(t *testing.T) {
	key := []byte("12345678901234567890")
	for at, want := range map[int64]string{
		59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924", 2000000000: "279037", 20000000000: "353130",
	} {
		now := time.Unix(at, 0)
		if got := totpCode(key, totpStep(now)); got != want {
			t.Errorf("at %d: %s, want %s", at, got, want)
		}
		for _, row := range []struct {
			clock time.Duration
			fits  bool
		}{{-60 * time.Second, false}, {-30 * time.Second, true}, {0, true}, {30 * time.Second, true}, {60 * time.Second, false}} {
			if step, fits := findStep(key, want, now.Add(row.clock)); at > 1000 && (fits != row.fits || fits && step != totpStep(now)) {
				t.Errorf("at %d, the clock wrong by %s: step %d, %t", at, row.clock, step, fits)
			}
		}
	}
	for _, code := range []string{"", "28708", "2870820", "０87082", "287082 "} {
		if _, fits := findStep(key, code, time.Unix(59, 0)); fits {
			t.Errorf("the code %q fits", code)
		}
	}
}

func TestEnrolmentIsReadByApps(t *testing.T) {
	e := Enrolment{[]byte("12345678901234567890")}
	if got := e.Key().Reveal(); got != "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ" {
		t.Errorf("the key is %s", got)
	}
	uri, err := url.Parse(e.URI("Oxlin oxlin.example", "jo@example.test").Reveal())
	if err != nil || uri.Scheme != "otpauth" || uri.Host != "totp" || uri.Path != "/Oxlin oxlin.example:jo@example.test" ||
		uri.Query().Get("secret") != "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ" || uri.Query().Get("issuer") != "Oxlin oxlin.example" {
		t.Errorf("the address is %v, %v", uri, err)
	}
}

func TestRolesIncludeThoseBefore(t *testing.T) {
	for i, role := range Roles() {
		for j, other := range Roles() {
			if role.Includes(other) != (i >= j) {
				t.Errorf("%s includes %s: %t", role, other, role.Includes(other))
			}
		}
		if Role("").Includes(role) || Role("root").Includes(role) {
			t.Errorf("an unknown role includes %s", role)
		}
	}
}
