package notation

import (
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/text/currency"
)

// Currency reads a currency: its ISO 4217 code in any case, its ISO number, its symbol
// or its name. XXX, "no currency", is absent.
func Currency(text string) Reading[string] {
	text, ok := line(text)
	switch {
	case !ok:
		return Unreadable[string]()
	case text == "", strings.EqualFold(text, "XXX"), text == "999":
		return Absent[string]()
	}
	if isDigits(text) && len(text) <= 3 {
		// A JSON number has lost the zeros in front: 36 is 036.
		n, err := strconv.Atoi(text)
		if err == nil {
			text = fmt.Sprintf("%03d", n)
		}
		code, ok := numbered[text]
		if ok {
			return Told(code)
		}
		return Unreadable[string]()
	}
	code, ok := currencyOf(text, "")
	if ok {
		return Told(code)
	}
	return Unreadable[string]()
}

// currencyOf returns the code of a currency that a text names by code, symbol or word.
// A symbol of several currencies means the expected one, if it is among them.
func currencyOf(text, expected string) (code string, ok bool) {
	code = strings.ToUpper(text)
	if len(code) == 3 && strings.Trim(code, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == "" {
		_, err := currency.ParseISO(code)
		return code, err == nil || recent[code]
	}
	candidates, ok := symbols[Folded(text)]
	if !ok {
		return "", false
	}
	for _, candidate := range strings.Fields(candidates) {
		if candidate == expected {
			return expected, true
		}
	}
	code, _, several := strings.Cut(candidates, " ")
	// Alone, the dollar and the pound are those of the largest country.
	return code, !several || text == "$" || text == "£"
}

// Places returns the currency's number of decimal places (ISO 4217); 2 for an unknown
// one.
func Places(code string) int {
	places, ok := otherPlaces[code]
	if !ok {
		return 2
	}
	return places
}

// symbols maps symbols and names, folded, to the currencies that they mean.
var symbols = map[string]string{
	"€": "EUR", "euro": "EUR", "euros": "EUR",
	"£": "GBP GIP FKP SHP EGP LBP SYP", "$": "USD CAD AUD NZD HKD SGD TWD MXN BRL ARS CLP COP",
	"us$": "USD", "c$": "CAD", "ca$": "CAD", "a$": "AUD", "au$": "AUD", "nz$": "NZD", "hk$": "HKD", "s$": "SGD", "r$": "BRL", "¥": "JPY CNY", "kr": "SEK NOK DKK ISK", "zł": "PLN", "zl": "PLN", "kc": "CZK",
	"ft": "HUF", "lei": "RON", "₺": "TRY", "₽": "RUB", "₴": "UAH", "₹": "INR", "₩": "KRW", "₪": "ILS", "фр": "CHF",
}

// recent are the codes that the library's edition of ISO 4217 may lack.
var recent = map[string]bool{"SLE": true, "VED": true, "XCG": true, "ZWG": true}

// otherPlaces are the currencies with another number of places than two.
var otherPlaces = map[string]int{
	"BIF": 0, "CLP": 0, "DJF": 0, "GNF": 0, "ISK": 0, "JPY": 0, "KMF": 0, "KRW": 0, "PYG": 0, "RWF": 0, "UGX": 0, "UYI": 0,
	"VND": 0, "VUV": 0, "XAF": 0, "XOF": 0, "XPF": 0,
	"BHD": 3, "IQD": 3, "JOD": 3, "KWD": 3, "LYD": 3, "OMR": 3, "TND": 3,
	"CLF": 4, "UYW": 4,
}

// numbered maps the numbers of ISO 4217 to codes. It lacks 532, which two currencies
// have had.
var numbered = numbers(`
AED784 AFN971 ALL008 AMD051 AOA973 ARS032 AUD036 AWG533 AZN944 BAM977 BBD052 BDT050 BGN975 BHD048 BIF108 BMD060
BND096 BOB068 BOV984 BRL986 BSD044 BTN064 BWP072 BYN933 BZD084 CAD124 CDF976 CHE947 CHF756 CHW948 CLF990 CLP152
CNY156 COP170 COU970 CRC188 CUP192 CVE132 CZK203 DJF262 DKK208 DOP214 DZD012 EGP818 ERN232 ETB230 EUR978 FJD242
FKP238 GBP826 GEL981 GHS936 GIP292 GMD270 GNF324 GTQ320 GYD328 HKD344 HNL340 HRK191 HTG332 HUF348 IDR360 ILS376
INR356 IQD368 IRR364 ISK352 JMD388 JOD400 JPY392 KES404 KGS417 KHR116 KMF174 KPW408 KRW410 KWD414 KYD136 KZT398
LAK418 LBP422 LKR144 LRD430 LSL426 LYD434 MAD504 MDL498 MGA969 MKD807 MMK104 MNT496 MOP446 MRU929 MUR480 MVR462
MWK454 MXN484 MXV979 MYR458 MZN943 NAD516 NGN566 NIO558 NOK578 NPR524 NZD554 OMR512 PAB590 PEN604 PGK598 PHP608
PKR586 PLN985 PYG600 QAR634 RON946 RSD941 RUB643 RWF646 SAR682 SBD090 SCR690 SDG938 SEK752 SGD702 SHP654 SLE925
SOS706 SRD968 SSP728 STN930 SVC222 SYP760 SZL748 THB764 TJS972 TMT934 TND788 TOP776 TRY949 TTD780 TWD901 TZS834
UAH980 UGX800 USD840 UYI940 UYU858 UYW927 UZS860 VED926 VES928 VND704 VUV548 WST882 XAF950 XCD951 XOF952 XPF953
YER886 ZAR710 ZMW967 ZWG924`)

func numbers(table string) map[string]string {
	codes := map[string]string{}
	for _, entry := range strings.Fields(table) {
		codes[entry[3:]] = entry[:3]
	}
	return codes
}
