package oxlin

import (
	"regexp"
	"slices"
	"strings"
)

// Theme is a licensed client's style for the widget (contract §6.3): a list of font
// names and two CSS colours. An empty field keeps the default. It is stored as JSON.
type Theme struct {
	Font          string `json:"font,omitempty"`
	FontColor     string `json:"font_color,omitempty"`
	ElementsColor string `json:"elements_color,omitempty"`
}

var (
	// A font is a list of names, each of words that need no quotes (CSS Fonts 4 §2.1).
	themeFont = regexp.MustCompile(`^` + themeFontName + `(, *` + themeFontName + `)*$`)
	// A colour is a name of CSS, or hexadecimal and not transparent (CSS Color 4 §5.2).
	themeColor = regexp.MustCompile(`^#([0-9A-Fa-f]{3}|[0-9A-Fa-f]{6})$`)
)

const (
	themeFontName = `-?[A-Za-z][A-Za-z0-9-]*( -?[A-Za-z][A-Za-z0-9-]*)*`
	themeFontMost = 100
)

// themeKeywords are CSS keywords (CSS Values 4 §4.1.1), which a list of font names must
// not contain.
var themeKeywords = []string{"default", "inherit", "initial", "revert", "revert-layer", "revert-rule", "unset"}

// Check returns CodeInvalidRequest for the first field that a style sheet cannot use as
// a font or a colour.
func (t Theme) Check() error {
	if t.Font != "" && !isFont(t.Font) {
		return Invalid("font", "A font is a comma-separated list of font names, for example: Georgia, serif.")
	}
	for _, color := range []struct{ name, value string }{{"font_color", t.FontColor}, {"elements_color", t.ElementsColor}} {
		if color.value != "" && !isColor(color.value) {
			return Invalid(color.name, "A colour is a CSS colour name or #rrggbb.")
		}
	}
	return nil
}

func isFont(list string) bool {
	if len(list) > themeFontMost || !themeFont.MatchString(list) {
		return false
	}
	return !slices.ContainsFunc(strings.Split(list, ","), func(name string) bool {
		return slices.Contains(themeKeywords, strings.ToLower(strings.TrimSpace(name)))
	})
}

func isColor(value string) bool {
	return themeColor.MatchString(value) || slices.Contains(colorNames, strings.ToLower(value))
}

// colorNames are the named colours of CSS (CSS Color 4 §6.1).
var colorNames = strings.Fields(`
	aliceblue antiquewhite aqua aquamarine azure beige bisque black blanchedalmond blue
	blueviolet brown burlywood cadetblue chartreuse chocolate coral cornflowerblue cornsilk
	crimson cyan darkblue darkcyan darkgoldenrod darkgray darkgreen darkgrey darkkhaki
	darkmagenta darkolivegreen darkorange darkorchid darkred darksalmon darkseagreen
	darkslateblue darkslategray darkslategrey darkturquoise darkviolet deeppink deepskyblue
	dimgray dimgrey dodgerblue firebrick floralwhite forestgreen fuchsia gainsboro ghostwhite
	gold goldenrod gray green greenyellow grey honeydew hotpink indianred indigo ivory khaki
	lavender lavenderblush lawngreen lemonchiffon lightblue lightcoral lightcyan
	lightgoldenrodyellow lightgray lightgreen lightgrey lightpink lightsalmon lightseagreen
	lightskyblue lightslategray lightslategrey lightsteelblue lightyellow lime limegreen linen
	magenta maroon mediumaquamarine mediumblue mediumorchid mediumpurple mediumseagreen
	mediumslateblue mediumspringgreen mediumturquoise mediumvioletred midnightblue mintcream
	mistyrose moccasin navajowhite navy oldlace olive olivedrab orange orangered orchid
	palegoldenrod palegreen paleturquoise palevioletred papayawhip peachpuff peru pink plum
	powderblue purple rebeccapurple red rosybrown royalblue saddlebrown salmon sandybrown
	seagreen seashell sienna silver skyblue slateblue slategray slategrey snow springgreen
	steelblue tan teal thistle tomato turquoise violet wheat white whitesmoke yellow
	yellowgreen`)
