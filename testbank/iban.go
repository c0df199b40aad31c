package testbank

import "fmt"

// frenchIBAN returns the IBAN of a French account, with both check keys.
func frenchIBAN(bank, branch, number string) string {
	mod97 := func(s string) int {
		n := 0
		for _, c := range s {
			n = (n*10 + int(c-'0')) % 97
		}
		return n
	}
	// The RIB key makes the whole number divisible by 97.
	rib := 97 - mod97(bank+branch+number+"00")
	bban := fmt.Sprintf("%s%s%s%02d", bank, branch, number, rib)
	// F is 15 and R is 27.
	return fmt.Sprintf("FR%02d%s", 98-mod97(bban+"152700"), bban)
}
