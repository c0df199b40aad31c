package page

import "strings"

// sign is what a page draws for the way in which something ended.
func sign(status string) (class, icon string) {
	switch status {
	case "success":
		return "good", "check"
	case "cancelled":
		return "plain", "cross"
	}
	return "bad", "alert"
}

// ending says how it ended: by the result where there are words for it, else by the
// status.
func (d drawing) ending(v Done) (title, explanation string) {
	for _, word := range []string{v.Result, v.Status} {
		key := "done." + word
		if Texts.Has(key + ".title") {
			return d.text(key + ".title"), d.text(key + ".text")
		}
	}
	return d.trouble(v.Result)
}

// ours says that the page leads to another of ours, and nobody back to the client.
func (v Done) ours() bool { return strings.HasPrefix(v.Target, "/") }

// returning says how it went at the bank.
func (d drawing) returning(v BackFromBank) (title, explanation string) {
	key := "back." + v.Status
	if !Texts.Has(key + ".title") {
		key = "back.error"
	}
	return d.text(key + ".title"), d.text(key + ".text")
}
