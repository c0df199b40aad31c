package providersearch_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode"

	"pgregory.net/rapid"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank/catalogue"
	"github.com/oxlin/oxlin/internal/connect/providersearch"
)

// real are the providers of production.
func real(t testing.TB) []oxlin.Provider {
	t.Helper()
	c, err := catalogue.Load(catalogue.Options{})
	if err != nil {
		t.Fatal(err)
	}
	list := c.Providers()
	slices.SortFunc(list, func(a, b oxlin.Provider) int { return strings.Compare(string(a.ID), string(b.ID)) })
	return list
}

func label(p oxlin.Provider) string { return strings.TrimSpace(p.Name + " " + p.BranchName) }

func labels(providers []oxlin.Provider) []string {
	list := []string{}
	for _, p := range providers {
		list = append(list, label(p))
	}
	return list
}

// Each row is a query and the provider that must be the first result.
func TestWhatPeopleType(t *testing.T) {
	t.Parallel()
	banks := providersearch.New(real(t))
	for _, row := range []struct {
		typed string
		first []string
		// alone: there is nothing after them.
		alone bool
	}{
		{"bnp", []string{"BNP Paribas", "BNP Paribas Fortis"}, true},
		{"BNP PARIBAS", []string{"BNP Paribas", "BNP Paribas Fortis"}, true},
		{"bnpp", []string{"BNP Paribas"}, false},
		{"paribas", []string{"BNP Paribas"}, false},
		{"fortis", []string{"BNP Paribas Fortis"}, false},
		{"lcl", []string{"LCL"}, true},
		{"boursorama banque", []string{"BoursoBank"}, true},
		{"lydia", []string{"Sumeria"}, true},
		{"hsbc", []string{"CCF", "HSBC UK"}, true},
		{"cic ouest", []string{"CIC"}, true},
		{"credit mutuel de normandie", []string{"Crédit Mutuel"}, false},
		{"quimper", []string{"Crédit Agricole Finistère"}, true},
		{"18206", []string{"Crédit Agricole Île-de-France"}, true},
		{"30027", []string{"CIC"}, true},
		{"la banque lcl", []string{"LCL"}, true},
		{"cic", []string{"CIC"}, true},
		{"sg", []string{"Société Générale"}, true},
		{"socgen", []string{"Société Générale"}, true},
		{"societe generale", []string{"Société Générale"}, true},
		{"Société générale", []string{"Société Générale"}, true},
		{"generale", []string{"Société Générale"}, true},
		{"générale société", []string{"Société Générale"}, true},
		{"sociéte genérale", []string{"Société Générale"}, true},
		{"socitée genrale", []string{"Société Générale"}, true},
		{"la poste", []string{"La Banque Postale"}, true},
		{"banque postale", []string{"La Banque Postale"}, true},
		{"lbp", []string{"La Banque Postale", "Louvre Banque Privée"}, true},
		{"banque pop", []string{"Banque Populaire Aquitaine Centre Atlantique"}, false},
		{"banque pop sud", []string{"Banque Populaire du Sud"}, true},
		{"bp rives de paris", []string{"Banque Populaire Rives de Paris"}, true},
		{"bpaca", []string{"Banque Populaire Aquitaine Centre Atlantique"}, true},
		{"val de france", []string{"Crédit Agricole Val de France", "Banque Populaire Val de France"}, true},
		{"credit agricole", []string{"Crédit Agricole Languedoc", "Crédit Agricole Île-de-France"}, false},
		{"crédit agricole du languedoc", []string{"Crédit Agricole Languedoc"}, true},
		{"ca languedoc", []string{"Crédit Agricole Languedoc", "Caisse d'Épargne Languedoc-Roussillon"}, true},
		{"languedoc ca", []string{"Crédit Agricole Languedoc"}, false},
		{"ca nord", []string{"Crédit Agricole Nord de France"}, false},
		{"ca idf", []string{"Crédit Agricole Île-de-France"}, false},
		{"caidf", []string{"Crédit Agricole Île-de-France"}, true},
		{"creditagricole", []string{"Crédit Agricole Languedoc"}, false},
		{"credti agricloe", []string{"Crédit Agricole Languedoc"}, false},
		{"agricol", []string{"Crédit Agricole Languedoc"}, false},
		{"caisse d'epargne", []string{"Caisse d'Épargne Île-de-France"}, false},
		{"caisse d’épargne bretagne", []string{"Caisse d'Épargne Bretagne Pays de Loire"}, true},
		{"caisse epargne", []string{"Caisse d'Épargne Île-de-France"}, false},
		{"caisse depargne cote d'azur", []string{"Caisse d'Épargne Côte d'Azur"}, true},
		{"caise eparne rhone-alpes", []string{"Caisse d'Épargne Rhône Alpes"}, true},
		{"ce midi pyrénées", []string{"Caisse d'Épargne Midi-Pyrénées"}, true},
		{"credit mutuel", []string{"Crédit Mutuel", "Crédit Mutuel de Bretagne"}, false},
		{"cmb", []string{"Crédit Mutuel de Bretagne"}, true},
		{"cmso", []string{"Crédit Mutuel du Sud-Ouest"}, true},
		{"credit mutuel bretagne", []string{"Crédit Mutuel de Bretagne"}, true},
		{"hello", []string{"Hello bank!"}, false},
		{"hellobank", []string{"Hello bank!"}, true},
		{"hello bank", []string{"Hello bank!"}, false},
		{"bour sorama", []string{"BoursoBank"}, true},
		{"boursrama", []string{"BoursoBank"}, true},
		{"bousrorama", []string{"BoursoBank"}, true},
		{"boursoramma banque", []string{"BoursoBank"}, true},
		{"fortunéo", []string{"Fortuneo"}, true},
		{"  AXA   banque ", []string{"Axa Banque"}, true},
		{"axa bank", []string{"Axa Banque"}, true},
		{"max", []string{"Max"}, true},
		{"xyz", nil, true},
		{"lvl", nil, true},
		{"crédit agricole zanzibar", nil, true},
		{"banque de nulle part", nil, true},
		{"ici", nil, true},
	} {
		t.Run(row.typed, func(t *testing.T) {
			found := labels(banks.Search(row.typed))
			if len(found) < len(row.first) || !slices.Equal(found[:len(row.first)], row.first) || row.alone && len(found) > len(row.first) {
				t.Errorf("found %q; want first %q, alone: %v", found, row.first, row.alone)
			}
		})
	}
}

// A list is narrowed letter by letter: who types a name never sees it go.
func TestProviderIsFoundAfterEachLetter(t *testing.T) {
	t.Parallel()
	providers := real(t)
	banks := providersearch.New(providers)
	for _, p := range providers {
		for n := range label(p) {
			typed := label(p)[:n]
			if !slices.Contains(labels(banks.Search(typed)), label(p)) {
				t.Errorf("%q does not find %q", typed, label(p))
			}
		}
		if first := labels(banks.Search(label(p)))[0]; first != label(p) {
			t.Errorf("its whole name finds %q before %q", first, label(p))
		}
	}
}

func TestNothingTypedFindsEverythingInTheOrderGiven(t *testing.T) {
	t.Parallel()
	providers := real(t)
	slices.Reverse(providers)
	for _, nothing := range []string{"", " ", "'", " - !"} {
		if found := labels(providersearch.New(providers).Search(nothing)); !slices.Equal(found, labels(providers)) {
			t.Errorf("%q finds %q", nothing, found)
		}
	}
	if found := providersearch.New(nil).Search("lcl"); len(found) != 0 {
		t.Errorf("among none there is %q", labels(found))
	}
}

func TestFold(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"Société Générale":      "societegenerale",
		"Caisse d’Épargne":      "caissedepargne",
		"FR76 1234-5678":        "fr7612345678",
		"Ile\u0302\u00a0de\tRé": "iledere",
		"Crédit & Cœur":         "creditcoeur",
		"":                      "",
		"\xff \u0301'":          "\ufffd",
		"ＢＮＰ":                   "bnp",
		"Ελληνική Τράπεζα (Κρήτη)": "ελληνικητραπεζακρητη",
	} {
		if got := providersearch.Fold(text); got != want {
			t.Errorf("%q is folded to %q; want %q", text, got, want)
		}
	}
}

// Whatever a bank is called, it is found with a slip in one of its longer words.
func TestNameWithOneSlipIsFound(t *testing.T) {
	t.Parallel()
	providers := real(t)
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.StringMatching(`[A-Za-zéèÉçôï]{1,12}`)
		names := rapid.SliceOfN(word, 1, 4).Draw(t, "names")
		long := rapid.StringMatching(`[A-Za-zéèÉçôï]{5,14}`).Draw(t, "long")
		at := rapid.IntRange(0, len(names)).Draw(t, "at")
		separator := rapid.SampledFrom([]string{" ", "-", "' "})
		write := func(long string) string {
			return strings.Join(slices.Insert(slices.Clone(names), at, long), separator.Draw(t, "separator"))
		}
		sought := oxlin.Provider{ID: "9", Name: write(long)}
		if rapid.Bool().Draw(t, "has a branch") {
			sought = oxlin.Provider{ID: "9", Name: "Banque", BranchName: write(long)}
		}
		typed := write(slip(t, long))
		for _, found := range providersearch.New(append([]oxlin.Provider{sought}, providers...)).Search(typed) {
			if found.ID == sought.ID {
				return
			}
		}
		t.Errorf("%q does not find %q", typed, label(sought))
	})
}

// slip makes one slip of the keyboard in a word.
func slip(t *rapid.T, word string) string {
	letters := []rune(word)
	at := rapid.IntRange(0, len(letters)-1).Draw(t, "slip")
	other := rapid.RuneFrom([]rune("aeéxzçk")).Draw(t, "letter")
	switch rapid.SampledFrom([]string{"left out", "added", "changed", "swapped"}).Draw(t, "kind") {
	case "left out":
		letters = slices.Delete(letters, at, at+1)
	case "added":
		letters = slices.Insert(letters, at, other)
	case "changed":
		letters[at] = other
	case "swapped":
		next := (at + 1) % len(letters)
		if next > at {
			letters[at], letters[next] = letters[next], letters[at]
		}
	}
	return string(letters)
}

func FuzzSearch(f *testing.F) {
	providers := real(f)
	banks := providersearch.New(providers)
	for _, typed := range []string{"", "ca languedoc", "crédti", "d'", "\xff\x00", strings.Repeat("a", 300), strings.Repeat("a ", 300), "ⅷ ﬃ", "é́́́", "Ⱥ"} {
		f.Add(typed)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		if found := banks.Search(typed); len(found) > len(providers) || providersearch.Fold(typed) == "" && len(found) < len(providers) {
			t.Errorf("%q finds %q", typed, labels(found))
		}
		if strings.ContainsFunc(providersearch.Fold(typed), func(r rune) bool { return unicode.IsSpace(r) || unicode.IsPunct(r) }) {
			t.Errorf("%q is folded to %q", typed, providersearch.Fold(typed))
		}
		name := typed[:min(len(typed), 100)]
		if len(providersearch.New([]oxlin.Provider{{ID: "1", Name: name}}).Search(name)) != 1 {
			t.Errorf("%q is not found by its name", name)
		}
	})
}

// BenchmarkSearch looks among three thousand providers, as many as the catalogue
// of a continent has.
func BenchmarkSearch(b *testing.B) {
	var many []oxlin.Provider
	banks := real(b)
	for i := range 3000 {
		p := banks[i%len(banks)]
		p.ID, p.BranchName = oxlin.ProviderID(fmt.Sprint(i)), fmt.Sprintf("%s agence %d", p.BranchName, i)
		many = append(many, p)
	}
	ready := providersearch.New(many)
	for _, typed := range []string{"c", "lcl", "ca languedoc", "caisse d'epargne cote d'azur", "boursoramma", "credti agricloe du langeudoc", "zzzzzzzz"} {
		b.Run(typed, func(b *testing.B) {
			for b.Loop() {
				ready.Search(typed)
			}
		})
	}
	b.Run("making ready", func(b *testing.B) {
		for b.Loop() {
			providersearch.New(many)
		}
	})
}
