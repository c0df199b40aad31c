package oxlin_test

import (
	"encoding/json"
	"errors"
	"testing"

	"pgregory.net/rapid"

	"github.com/oxlin/oxlin"
)

func TestParseAmount(t *testing.T) {
	tests := []struct{ text, want string }{ // an empty want is refused
		{"-79.99", "-79.99"},
		{"760.1", "760.1"},
		{"-288", "-288"},
		{"12.", "12"},
		{".5", "0.5"},
		{"+3", "3"},
		{"1e2", "100"},
		{"0.00001", "0.00001"},
		{"0.100000000", "0.1"},
		{" 4.20 ", "4.2"},
		{"-0", "0"},
		{"9999999999999.99999", "9999999999999.99999"},
		{"0.000001", ""},
		{"100000000000000000", ""},
		{"1e999999999", ""},
		{"NaN", ""},
		{"Infinity", ""},
		{"1,5", ""},
		{"12 €", ""},
		{"", ""},
	}
	for _, test := range tests {
		got, err := oxlin.ParseAmount(test.text)
		if test.want == "" {
			if !errors.Is(err, oxlin.ErrAmount) {
				t.Errorf("ParseAmount(%q) = %s, %v; want ErrAmount", test.text, got, err)
			}
			continue
		}
		if err != nil || got.String() != test.want {
			t.Errorf("ParseAmount(%q) = %s, %v; want %s", test.text, got, err, test.want)
		}
	}
}

func TestAmountsAreExactFromWireToWire(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		amount := oxlin.Amount(rapid.Int64().Draw(t, "steps"))
		text, err := json.Marshal(amount)
		if err != nil {
			t.Fatal(err)
		}
		var back oxlin.Amount
		err = json.Unmarshal(text, &back)
		if err != nil || back != amount {
			t.Fatalf("%d became %s and then %d: %v", amount, text, back, err)
		}
		err = json.Unmarshal([]byte(`"`+string(text)+`"`), &back)
		if err != nil || back != amount {
			t.Fatalf("as a string, %s became %d: %v", text, back, err)
		}
	})
}

func FuzzParseAmount(f *testing.F) {
	for _, seed := range []string{"-79.99", "1e5", "0x10", "--1", "99999999999999999999999999999999999999999"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		amount, err := oxlin.ParseAmount(text)
		if err != nil {
			return
		}
		again, err := oxlin.ParseAmount(amount.String())
		if err != nil || again != amount {
			t.Errorf("%q is %s, which is %s: %v", text, amount, again, err)
		}
	})
}
