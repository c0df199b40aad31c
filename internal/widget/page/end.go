package page

import "strings"

// sign returns the icon for a status.
func sign(status string) (class, icon string) {
	switch status {
	case "success":
		return "good", "check"
	case "cancelled":
		return "plain", "cross"
	}
	return "bad", "alert"
}

// ending returns the key of the text for an ending: that of the result if it exists,
// otherwise that of the status.
func (d drawing) ending(v Done) (title, explanation string) {
	if v.File {
		return d.text("done.file.title"), d.text("done.file.text")
	}
	for _, word := range []string{v.Result, v.Status} {
		key := "done." + word
		if Texts.Has(key + ".title") {
			return d.text(key + ".title"), d.text(key + ".text")
		}
	}
	return d.trouble(v.Result)
}

// ours reports whether the target is another page of the widget.
func (v Done) ours() bool { return strings.HasPrefix(v.Target, "/") }

// returning returns the key of the text after a return from the bank.
func (d drawing) returning(v BackFromBank) (title, explanation string) {
	family := "back."
	if v.Elsewhere {
		family = "elsewhere."
	}
	key := family + v.Status
	if !Texts.Has(key + ".title") {
		key = family + "error"
	}
	return d.text(key + ".title"), d.text(key + ".text")
}
