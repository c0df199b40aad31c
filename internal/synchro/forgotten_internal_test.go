package synchro

import "testing"

// A deleted account is recognised by a hash of any key that is not dropped, and a hash of an older
// one is to be made anew.
func TestADeletedAccountIsRecognisedByHashesOfAnyKey(t *testing.T) {
	newest, older := []byte("newest"), []byte("older")
	for _, c := range []struct {
		name      string
		deleted   [][]byte
		is, renew bool
	}{
		{"nothing is deleted", nil, false, false},
		{"another account is", [][]byte{[]byte("other")}, false, false},
		{"by the newest key", [][]byte{[]byte("other"), newest}, true, false},
		{"by an older key", [][]byte{older}, true, true},
	} {
		is, renew := forgotten(c.deleted, [][][]byte{{[]byte("number"), []byte("older number")}, {newest, older}})
		if is != c.is || renew != c.renew {
			t.Errorf("%s: %t, %t", c.name, is, renew)
		}
	}
}
