package browser_test

import "testing"

// TestPasskeysInTheBrowser tells passkey.mjs: the console's passkeys, with an authenticator of
// Chromium's own.
func TestPasskeysInTheBrowser(t *testing.T) {
	mustHave(t, 1)
	sandbox := serve(t, build(t), "--listen", "127.0.0.1:0")
	tell(t, "passkey.mjs", "OXLIN_PLATFORM="+sandbox.platform)
	sandbox.stop(t)
}

// TestPasskeysOfUsersInTheBrowser tells user-passkey.mjs: the passkeys of users, at a public URL
// with a name: browsers make no passkey for an IP address.
func TestPasskeysOfUsersInTheBrowser(t *testing.T) {
	mustHave(t, 1)
	listen, port := freePort(t)
	sandbox := serve(t, build(t), "--listen", listen, "--public-url", "http://localhost:"+port)
	tell(t, "user-passkey.mjs", "OXLIN_PLATFORM=http://"+listen, "OXLIN_BANK="+sandbox.bank)
	sandbox.stop(t)
}
