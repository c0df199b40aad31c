package page

import (
	"strconv"

	pictures "github.com/oxlin/oxlin/internal/web/logo"
)

// hues is the number of colours for initials in the style sheet.
const hues = 8

// hue returns the class for the colour of a bank's initials.
func (b Bank) hue() string { return "h" + strconv.Itoa(pictures.Hue(b.ID, hues)) }

// initials replaces a missing logo.
func initials(name string) string { return pictures.Initials(name) }
