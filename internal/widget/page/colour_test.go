package page_test

import (
	"fmt"
	"math"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// colour has red, green and blue of sRGB from 0 to 1.
type colour [3]float64

func parseColour(t *testing.T, text string) colour {
	t.Helper()
	digits := strings.TrimPrefix(text, "#")
	if len(digits) == 3 {
		digits = string([]byte{digits[0], digits[0], digits[1], digits[1], digits[2], digits[2]})
	}
	n, err := strconv.ParseUint(digits, 16, 32)
	if err != nil || len(digits) != 6 {
		t.Fatalf("%q is no colour", text)
	}
	return colour{float64(n>>16) / 255, float64(n>>8&255) / 255, float64(n&255) / 255}
}

// hsl is a colour by hue in degrees, saturation and lightness (CSS Color 4 §7.1).
func hsl(hue, saturation, lightness float64) colour {
	f := func(n float64) float64 {
		k := math.Mod(n+hue/30, 12)
		return lightness - saturation*min(lightness, 1-lightness)*max(-1, min(k-3, 9-k, 1))
	}
	return colour{f(0), f(8), f(4)}
}

func mix(a, b colour, share float64) colour {
	for i := range a {
		a[i] = a[i]*share + b[i]*(1-share)
	}
	return a
}

// luminance and contrast are those of WCAG 2.2.
func (c colour) luminance() float64 {
	linear := func(v float64) float64 {
		if v <= 0.04045 {
			return v / 12.92
		}
		return math.Pow((v+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(c[0]) + 0.7152*linear(c[1]) + 0.0722*linear(c[2])
}

func contrast(a, b colour) float64 {
	bright, dark := a.luminance(), b.luminance()
	if bright < dark {
		bright, dark = dark, bright
	}
	return (bright + 0.05) / (dark + 0.05)
}

var (
	property = regexp.MustCompile(`--([a-z-]+): ([^;]+);`)
	hueOf    = regexp.MustCompile(`\.(h\d) \{ --hue: (\d+); \}`)
)

// palette returns the custom properties of the n-th :root block, including earlier ones.
func palette(t *testing.T, sheet string, n int) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, block := range strings.SplitN(sheet, ":root {", n+2)[1 : n+1] {
		content, _, _ := strings.Cut(block, "}")
		for _, match := range property.FindAllStringSubmatch(content, -1) {
			found[match[1]] = match[2]
		}
	}
	return found
}

func TestEverythingCanBeRead(t *testing.T) {
	content, err := os.ReadFile("../asset/style.css")
	if err != nil {
		t.Fatal(err)
	}
	sheet := string(content)
	const text, shape = 4.5, 3.0 // WCAG 2.2, 1.4.3 and 1.4.11
	pairs := []struct {
		front, back string
		least       float64
	}{
		{"font-color", "card", text}, {"font-color", "tint", text}, {"font-color", "mixed", text}, {"font-color", "bad-tint", text}, {"font-color", "page", text},
		{"soft", "card", text}, {"soft", "tint", text}, {"soft", "mixed", text}, {"soft", "page", text},
		{"elements-color", "card", text}, {"elements-color", "tint", text}, {"elements-color", "mixed", text}, {"elements-color", "page", text},
		{"on-elements", "elements-color", text}, {"card", "font-color", text},
		{"bad", "card", text}, {"bad", "bad-tint", text}, {"good", "good-tint", text}, {"good", "card", text},
		{"edge", "card", shape},
	}
	hues := hueOf.FindAllStringSubmatch(sheet, -1)
	if len(hues) != 8 {
		t.Fatalf("%d hues are there", len(hues))
	}
	for n, scheme := range []string{"light", "dark"} {
		named := palette(t, sheet, n+1)
		get := func(name string) colour {
			if name == "mixed" { // the tint in browsers that can mix colours
				return mix(get(t, named, "elements-color"), get(t, named, "card"), 0.08)
			}
			return get(t, named, name)
		}
		for _, pair := range pairs {
			if got := contrast(get(pair.front), get(pair.back)); got < pair.least {
				t.Errorf("%s: %s on %s has a contrast of %.2f, less than %.1f", scheme, pair.front, pair.back, got, pair.least)
			}
		}
		lowest := math.Inf(1)
		for _, hue := range hues {
			degrees, _ := strconv.ParseFloat(hue[2], 64) // the expression matches only digits
			lowest = min(lowest, contrast(hsl(degrees, 0.6, percent(t, named["picture"])), hsl(degrees, 0.6, percent(t, named["initials"]))))
		}
		if lowest < text {
			t.Errorf("%s: initials have a contrast of %.2f", scheme, lowest)
		}
		t.Logf("%s: initials from %.1f, text %.1f, soft text %.1f, links %.1f, buttons %.1f", scheme, lowest,
			contrast(get("font-color"), get("card")), contrast(get("soft"), get("card")), contrast(get("elements-color"), get("card")), contrast(get("on-elements"), get("elements-color")))
	}
}

func get(t *testing.T, named map[string]string, name string) colour {
	t.Helper()
	return parseColour(t, named[name])
}

func percent(t *testing.T, text string) float64 {
	t.Helper()
	var n float64
	_, err := fmt.Sscanf(text, "%f%%", &n)
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return n / 100
}
