package roster

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank/enablebanking"
)

// pair is a bank of the list and its file; one of them is nil for a new bank, and for one that
// has vanished.
type pair struct {
	listed *enablebanking.Listed
	file   *file
}

// match finds the file of each bank: by its BIC, where only one has it; else by its name. A
// bank and a file that agree in both belong together before all others, because brands of one
// bank share a BIC.
func match(listed []enablebanking.Listed, files []*file) (pairs []pair) {
	taken := map[*file]bool{}
	of := map[*enablebanking.Listed]*file{}
	free := func(file *file) bool { return !taken[file] }
	take := func(fits func(*enablebanking.Listed, *file) bool) {
		for i := range listed {
			one := &listed[i]
			if of[one] != nil {
				continue
			}
			for _, file := range files {
				if free(file) && fits(one, file) {
					of[one], taken[file] = file, true
					break
				}
			}
		}
	}
	sameName := func(l *enablebanking.Listed, f *file) bool { return l.Name == f.bank().Name }
	sameBIC := func(l *enablebanking.Listed, f *file) bool {
		return l.BIC != "" && plainBIC(l.BIC) == plainBIC(f.bic())
	}
	take(func(l *enablebanking.Listed, f *file) bool { return sameName(l, f) && sameBIC(l, f) })
	// Of those that are left, a BIC must be of one bank and one file alone.
	left, leftFiles := map[string]int{}, map[string]int{}
	for i := range listed {
		if of[&listed[i]] == nil {
			left[plainBIC(listed[i].BIC)]++
		}
	}
	for _, file := range files {
		if free(file) {
			leftFiles[plainBIC(file.bic())]++
		}
	}
	take(func(l *enablebanking.Listed, f *file) bool {
		bic := plainBIC(l.BIC)
		return sameBIC(l, f) && left[bic] == 1 && leftFiles[bic] == 1
	})
	take(sameName)
	// The same name is written otherwise.
	take(func(l *enablebanking.Listed, f *file) bool { return folded(l.Name) == folded(f.bank().Name) })
	for i := range listed {
		pairs = append(pairs, pair{&listed[i], of[&listed[i]]})
	}
	for _, file := range files {
		if free(file) {
			pairs = append(pairs, pair{nil, file})
		}
	}
	return pairs
}

// plainBIC returns a BIC in capitals, and that of a head office without the code of a branch.
func plainBIC(bic string) string {
	const withBranch = 11
	bic = strings.ToUpper(strings.TrimSpace(bic))
	if len(bic) == withBranch {
		return strings.TrimSuffix(bic, "XXX")
	}
	return bic
}

// homesOf finds the providers that the catalogue has for banks of the list, by their names. A
// name that is not one bank's and one provider's alone finds nothing.
func homesOf(listed []enablebanking.Listed, known []oxlin.Provider, country country) map[*enablebanking.Listed]oxlin.Provider {
	byName := map[string][]oxlin.Provider{}
	for _, provider := range known {
		if provider.CountryCode != country.code {
			continue
		}
		names := map[string]bool{folded(strings.TrimSpace(provider.Name + " " + provider.BranchName)): true}
		if provider.BranchName == "" { // else they are places
			for _, alias := range provider.Aliases {
				names[folded(alias)] = true
			}
		}
		for name := range names {
			byName[name] = append(byName[name], provider)
		}
	}
	wanted := map[oxlin.ProviderID][]*enablebanking.Listed{}
	for i := range listed {
		if found := byName[folded(listed[i].Name)]; len(found) == 1 {
			wanted[found[0].ID] = append(wanted[found[0].ID], &listed[i])
		}
	}
	homes := map[*enablebanking.Listed]oxlin.Provider{}
	for _, provider := range known {
		if found := wanted[provider.ID]; len(found) == 1 {
			homes[found[0]] = provider
		}
	}
	return homes
}

// folded returns a name in small letters without accents, spaces and punctuation.
func folded(name string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return -1
		}
		return unicode.ToLower(r)
	}, norm.NFD.String(name))
}

// idsIn returns the ids that are in use.
func idsIn(known []oxlin.Provider, written []*file) map[oxlin.ProviderID]bool {
	ids := map[oxlin.ProviderID]bool{}
	for _, provider := range known {
		ids[provider.ID] = true
	}
	for _, file := range written {
		ids[file.id()] = true
	}
	return ids
}

// The range of the ids of banks that only the aggregator has. They stay below 2^53, so that
// no client rounds them.
const (
	firstID = 7_000_000_000_000_000
	idCount = 1_000_000_000_000_000
)

// newID returns an id that depends on the bank alone, so that two installations have the same
// one, unless it is in use.
func newID(bank enablebanking.Listed, psuType string, used map[oxlin.ProviderID]bool) oxlin.ProviderID {
	kind := strings.TrimPrefix(psuType, enablebanking.Personal)
	sum := sha256.Sum256([]byte(strings.Join([]string{bank.Country, cmp.Or(plainBIC(bank.BIC), bank.Name), kind}, "\n")))
	for n := binary.BigEndian.Uint64(sum[:]) % idCount; ; n = (n + 1) % idCount {
		id := oxlin.ProviderID(strconv.FormatUint(firstID+n, 10))
		if !used[id] {
			return id
		}
	}
}

// country is a country of the list as the catalogue has it.
type country struct {
	// code has three letters.
	code string
	zone string
}

// countries are those of the European Economic Area, and their neighbours.
var countries = map[string]country{
	"AT": {"AUT", "Europe/Vienna"}, "BE": {"BEL", "Europe/Brussels"}, "BG": {"BGR", "Europe/Sofia"}, "CH": {"CHE", "Europe/Zurich"},
	"CY": {"CYP", "Asia/Nicosia"}, "CZ": {"CZE", "Europe/Prague"}, "DE": {"DEU", "Europe/Berlin"}, "DK": {"DNK", "Europe/Copenhagen"},
	"EE": {"EST", "Europe/Tallinn"}, "ES": {"ESP", "Europe/Madrid"}, "FI": {"FIN", "Europe/Helsinki"}, "FR": {"FRA", "Europe/Paris"},
	"GB": {"GBR", "Europe/London"}, "GR": {"GRC", "Europe/Athens"}, "HR": {"HRV", "Europe/Zagreb"}, "HU": {"HUN", "Europe/Budapest"},
	"IE": {"IRL", "Europe/Dublin"}, "IS": {"ISL", "Atlantic/Reykjavik"}, "IT": {"ITA", "Europe/Rome"}, "LI": {"LIE", "Europe/Vaduz"},
	"LT": {"LTU", "Europe/Vilnius"}, "LU": {"LUX", "Europe/Luxembourg"}, "LV": {"LVA", "Europe/Riga"}, "MT": {"MLT", "Europe/Malta"},
	"NL": {"NLD", "Europe/Amsterdam"}, "NO": {"NOR", "Europe/Oslo"}, "PL": {"POL", "Europe/Warsaw"}, "PT": {"PRT", "Europe/Lisbon"},
	"RO": {"ROU", "Europe/Bucharest"}, "SE": {"SWE", "Europe/Stockholm"}, "SI": {"SVN", "Europe/Ljubljana"}, "SK": {"SVK", "Europe/Bratislava"},
}

func countryNames() string {
	var names []string
	for name := range countries {
		names = append(names, name)
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}
