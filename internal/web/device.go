package web

import "strings"

// mark is a word of a User-Agent with what it stands for.
type mark struct{ word, means string }

// The first word that is found counts: browsers name those that they want to be taken for.
var (
	systems = []mark{
		{"iPhone", "iOS"}, {"iPad", "iPadOS"}, {"Android", "Android"}, {"CrOS", "ChromeOS"}, {"Windows", "Windows"},
		{"Macintosh", "macOS"}, {"Linux", "Linux"},
	}
	browsers = []mark{
		{"Edg", "Edge"}, {"OPR/", "Opera"}, {"SamsungBrowser", "Samsung Internet"}, {"Firefox", "Firefox"}, {"FxiOS", "Firefox"},
		{"CriOS", "Chrome"}, {"Chrome", "Chrome"}, {"Safari", "Safari"},
	}
)

// DeviceOf returns the kind of device that a User-Agent names, and the names of browser and
// system: "phone: Firefox, Android". It is empty if the kind is unknown, and never contains
// words of the User-Agent itself.
func DeviceOf(userAgent string) string {
	system := first(systems, userAgent)
	kind := "computer"
	switch {
	case system == "":
		return ""
	case system == "iOS", system == "Android" && strings.Contains(userAgent, "Mobile"):
		kind = "phone"
	case system == "iPadOS", system == "Android":
		kind = "tablet"
	}
	if browser := first(browsers, userAgent); browser != "" {
		system = browser + ", " + system
	}
	return kind + ": " + system
}

func first(marks []mark, text string) string {
	for _, one := range marks {
		if strings.Contains(text, one.word) {
			return one.means
		}
	}
	return ""
}
