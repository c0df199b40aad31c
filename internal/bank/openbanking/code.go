package openbanking

import (
	"strings"
	"unicode"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/psd2"
)

// families are the families of ISO 20022 by the names that 3.1 gives them, without spaces
// and punctuation. 4.0 has the codes themselves.
var families = map[string]string{
	"RECEIVEDCREDITTRANSFERS": "RCDT", "ISSUEDCREDITTRANSFERS": "ICDT", "RECEIVEDREALTIMECREDITTRANSFERS": "RRCT",
	"ISSUEDREALTIMECREDITTRANSFERS": "IRCT", "RECEIVEDREALTIMECREDITTRANSFER": "RRCT", "ISSUEDREALTIMECREDITTRANSFER": "IRCT",
	"RECEIVEDDIRECTDEBITS": "RDDT", "ISSUEDDIRECTDEBITS": "IDDT", "RECEIVEDCHEQUES": "RCHQ", "ISSUEDCHEQUES": "ICHQ",
	"CUSTOMERCARDTRANSACTIONS": "CCRD", "CUSTOMERCARDTRANSACTION": "CCRD", "MERCHANTCARDTRANSACTIONS": "MCRD",
	"COUNTERTRANSACTIONS": "CNTR", "DRAFTS": "DRFT", "MISCELLANEOUSCREDITOPERATIONS": "MCOP", "MISCELLANEOUSDEBITOPERATIONS": "MDOP",
	"CONSUMERLOANS": "CSLN", "MORTGAGELOANS": "MGLN", "FIXEDTERMLOANS": "FTLN", "ACCOUNTBALANCING": "ACCB",
	"CASHPOOLING": "CAPL", "NOTAVAILABLE": "NTAV", "OTHER": "OTHR",
}

// domains are the domains of the families that do not belong to payments.
var domains = map[string]string{
	"CSLN": "LDAS", "MGLN": "LDAS", "FTLN": "LDAS", "ACCB": "CAMT", "CAPL": "CAMT", "CORP": "SECU", "CUST": "SECU",
}

// subFamilies are the sub-families by their names.
var subFamilies = map[string]string{
	"CASHWITHDRAWAL": "CWDL", "CROSSBORDERCASHWITHDRAWAL": "XBCW", "CASHDEPOSIT": "CDPT", "CHEQUEDEPOSIT": "CHKD",
	"BRANCHACCOUNTTRANSFER": "BACT", "INTERNALBOOKTRANSFER": "BOOK", "BOOKTRANSFER": "BOOK", "STANDINGORDER": "STDO",
	"PAYROLLSALARYPAYMENT": "SALA", "DOMESTICCREDITTRANSFER": "DMCT", "CROSSBORDERCREDITTRANSFER": "XBCT",
	"AUTOMATICTRANSFER": "AUTT", "SAMEDAYVALUECREDITTRANSFER": "SDVA", "DIRECTDEBITPAYMENT": "PMDD", "DIRECTDEBIT": "PMDD",
	"POINTOFSALEPOSPAYMENTDEBITCARD": "POSD", "POSPAYMENTDEBITCARD": "POSD", "POINTOFSALEPOSPAYMENT": "POSP",
	"CREDITCARDPAYMENT": "POSC", "SMARTCARDPAYMENT": "SMCD", "CROSSBORDERCREDITCARDPAYMENT": "XBCP",
	"REIMBURSEMENTS": "RIMB", "REIMBURSEMENT": "RIMB", "CHARGES": "CHRG", "COMMISSION": "COMM", "COMMISSIONS": "COMM",
	"FEES": "FEES", "INTEREST": "INTR", "INTERESTS": "INTR", "PRINCIPALPAYMENT": "PPAY", "CHEQUE": "CCHQ", "NOTAVAILABLE": "NTAV",
}

// codeOfRow returns the transaction code of a row. The names mean what the standard has
// them mean, except that British banks call a direct debit of their customer an issued
// one, as if the customer collected it.
func codeOfRow(record transactionRecord, amount oxlin.Amount) bank.Code {
	code := bank.Code{
		Family: codeNamed(families, record.Code.Value.Code), SubFamily: codeNamed(subFamilies, record.Code.Value.SubCode),
		Proprietary: string(record.Proprietary.Value.Code),
	}
	if code.Family == "IDDT" && amount < 0 {
		code.Family = "RDDT"
	}
	if code.Family != "" {
		code.Domain = "PMNT"
		if domain, ok := domains[code.Family]; ok {
			code.Domain = domain
		}
	}
	return code
}

// codeNamed returns the code of a name, or a name that is a code; empty for another one.
func codeNamed(known map[string]string, name psd2.Text) string {
	letters := strings.Map(func(r rune) rune {
		if !unicode.IsLetter(r) {
			return -1
		}
		return unicode.ToUpper(r)
	}, string(name))
	const length = 4
	code, ok := known[letters]
	if !ok && len(name) == length && letters == string(name) {
		return letters
	}
	return code
}
