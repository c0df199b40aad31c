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
