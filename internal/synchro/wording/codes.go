package wording

import (
	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
)

// kind is a type for each direction of the money; if empty, the next table decides.
type kind struct{ debit, credit oxlin.TransactionType }

func either(t oxlin.TransactionType) kind { return kind{t, t} }

func (k kind) of(amount oxlin.Amount) oxlin.TransactionType {
	if amount < 0 {
		return k.debit
	}
	return k.credit
}

// codes are the bank transaction codes of ISO 20022 (external code set) from which a
// type follows: domain/family/sub-family, then domain/family.
var codes = map[string]kind{
	// Cards of the customer.
	"PMNT/CCRD/POSD": either(oxlin.TypePointOfSale),
	"PMNT/CCRD/POSC": either(oxlin.TypePointOfSale),
	"PMNT/CCRD/POSP": either(oxlin.TypePointOfSale),
	"PMNT/CCRD/SMCD": either(oxlin.TypePointOfSale),
	"PMNT/CCRD/XBCP": either(oxlin.TypePointOfSale),
	"PMNT/CCRD/CWDL": {oxlin.TypeATM, oxlin.TypeCredit},
	"PMNT/CCRD/XBCW": {oxlin.TypeATM, oxlin.TypeCredit},
	"PMNT/CCRD/CDPT": {oxlin.TypeDebit, oxlin.TypeDeposit},
	"PMNT/CCRD/RIMB": {oxlin.TypeCreditCardPayment, oxlin.TypeCredit},
	"PMNT/CCRD":      {oxlin.TypePointOfSale, ""},
	// Direct debits: received by the customer's bank, or issued by the customer.
	"PMNT/RDDT": {oxlin.TypeDirectDebit, oxlin.TypeCredit},
	"PMNT/IDDT": {oxlin.TypeDebit, oxlin.TypeDirectDeposit},
	// Credit transfers, SEPA, instant and others.
	"PMNT/ICDT/STDO": {oxlin.TypeRepeatingPayment, ""},
	"PMNT/ICDT/BOOK": either(oxlin.TypeInternalTransfer),
	"PMNT/RCDT/BOOK": either(oxlin.TypeInternalTransfer),
	"PMNT/IRCT/BOOK": either(oxlin.TypeInternalTransfer),
	"PMNT/RRCT/BOOK": either(oxlin.TypeInternalTransfer),
	"PMNT/RCDT/SALA": {"", oxlin.TypeDirectDeposit},
	"PMNT/RRCT/SALA": {"", oxlin.TypeDirectDeposit},
	// Cheques.
	"PMNT/RCHQ": either(oxlin.TypeCheck),
	"PMNT/ICHQ": either(oxlin.TypeCheck),
	// At the counter.
	"PMNT/CNTR/CHKD": either(oxlin.TypeCheck),
	"PMNT/CNTR/CWDL": {oxlin.TypeCash, oxlin.TypeDeposit},
	"PMNT/CNTR/BCWD": {oxlin.TypeCash, oxlin.TypeDeposit},
	"PMNT/CNTR":      {oxlin.TypeCash, oxlin.TypeDeposit},
	// Loans, securities, cash pooling.
	"LDAS/CSLN/PPAY": either(oxlin.TypeRepeatingPayment),
	"LDAS/FTLN/PPAY": either(oxlin.TypeRepeatingPayment),
	"LDAS/MGLN/PPAY": either(oxlin.TypeRepeatingPayment),
	"SECU/CORP/DVCA": either(oxlin.TypeDividend),
	"SECU/CORP/DVOP": either(oxlin.TypeDividend),
	"SECU/CORP/DVSC": either(oxlin.TypeDividend),
	"SECU/CUST/DVCA": either(oxlin.TypeDividend),
	"CAMT/ACCB":      either(oxlin.TypeInternalTransfer),
	"CAMT/CAPL":      either(oxlin.TypeInternalTransfer),
}

// subCodes are sub-families that mean the same in every family.
var subCodes = map[string]kind{
	"CHRG": {oxlin.TypeBankFee, ""},
	"COMM": {oxlin.TypeBankFee, ""},
	"FEES": {oxlin.TypeBankFee, ""},
	"BRFE": {oxlin.TypeBankFee, ""},
	"INTR": either(oxlin.TypeInterest),
}

// typeOfCode returns the type that follows from a code, or nothing.
func typeOfCode(code bank.Code, amount oxlin.Amount) oxlin.TransactionType {
	family := code.Domain + "/" + code.Family
	for _, k := range []kind{codes[family+"/"+code.SubFamily], subCodes[code.SubFamily], codes[family]} {
		t := k.of(amount)
		if t != "" {
			return t
		}
	}
	return ""
}
