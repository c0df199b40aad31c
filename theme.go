package oxlin

// Theme is how a licensed client colours the widget (contract §6.3): a list of font
// names and two colours of CSS; what is empty stays as it is.
type Theme struct {
	Font          string `json:"font,omitempty"`
	FontColor     string `json:"font_color,omitempty"`
	ElementsColor string `json:"elements_color,omitempty"`
}
