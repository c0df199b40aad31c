package page

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
		if exists(key + ".title") {
			return d.text(key + ".title"), d.text(key + ".text")
		}
	}
	return d.trouble(v.Result)
}

// returning says how it went at the bank.
func (d drawing) returning(v BackFromBank) (title, explanation string) {
	key := "back.error"
	if v.Status == "success" {
		key = "back.success"
	}
	return d.text(key + ".title"), d.text(key + ".text")
}
