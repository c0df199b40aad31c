package enablebanking

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/notation"
	"github.com/oxlin/oxlin/internal/bank/psd2"
)

// balanceRecord is BalanceResource.
type balanceRecord struct {
	Amount  psd2.Optional[psd2.Amount] `json:"balance_amount"`
	Type    psd2.Written               `json:"balance_type"`
	Day     psd2.Written               `json:"reference_date"`
	Changed psd2.Written               `json:"last_change_date_time"`
}

// balanceTypes are the types of balances by their code.
var balanceTypes = map[string]oxlin.BalanceType{
	"CLBD": oxlin.BalanceBooked, "ITBD": oxlin.BalanceBooked,
	"CLAV": oxlin.BalanceAvailable, "ITAV": oxlin.BalanceAvailable, "XPCD": oxlin.BalanceExpected,
}

// defaultPriority is the order of balances if the bank's data name no other: the booked one
// of now first, and an available one late, because it may hold a credit line.
var defaultPriority = []string{"ITBD", "CLBD", "XPCD", "VALU", "INFO", "ITAV", "CLAV", "OTHR", "OPBD", "PRCD", "OPAV", "FWAV"}

// Balances reads GET /accounts/{uid}/balances, and chooses by the bank's priority.
func (c *Connector) Balances(ctx context.Context, call bank.Call, account bank.AccountRef, cursor string) (bank.Balances, error) {
	if cursor != "" {
		return bank.Balances{}, psd2.ForeignCursor()
	}
	request, err := c.about(call, opBalances, account)
	if err != nil {
		return bank.Balances{}, err
	}
	own, err := c.api.own()
	if err != nil {
		return bank.Balances{}, err
	}
	list, err := c.api.SendList(ctx, own, request, "balances", "balance_amount", "balance_type")
	if err != nil {
		return bank.Balances{}, err
	}
	return c.balances(account, list.Records), nil
}

// listedBalance is a balance that could be read, and its type as the interface has it.
type listedBalance struct {
	oxlin.Balance
	code string
}

// balances converts the records and chooses the one that the bank shows its customers. A
// balance that cannot be read costs no other.
func (c *Connector) balances(account bank.AccountRef, raws []json.RawMessage) bank.Balances {
	var told bank.Balances
	var listed []listedBalance
	for _, raw := range raws {
		balance, unread := c.readBalance(raw, account)
		if unread != "" {
			told.Unreadable = append(told.Unreadable, bank.Unreadable{Reason: unread, Raw: raw})
			continue
		}
		listed = append(listed, balance)
		told.All = append(told.All, balance.Balance)
	}
	if len(listed) == 0 {
		return told
	}
	priority := c.config.Balances.Priority
	if len(priority) == 0 {
		priority = defaultPriority
	}
	rank := func(b listedBalance) int {
		return psd2.BalanceRank(priority, b.code, account.Currency != "" && b.Currency != account.Currency)
	}
	// Of one type the latest counts; equal ones keep the bank's order.
	slices.SortStableFunc(listed, func(a, b listedBalance) int {
		return cmp.Or(rank(a)-rank(b), b.Date.Compare(a.Date))
	})
	shown := listed[0].Balance
	told.Shown = &shown
	return told
}

// readBalance converts a record; unread is the part of it that cannot be read.
func (c *Connector) readBalance(raw json.RawMessage, account bank.AccountRef) (balance listedBalance, unread bank.Unread) {
	var record balanceRecord
	err := json.Unmarshal(raw, &record)
	if err != nil {
		return balance, bank.UnreadRecord
	}
	money, ok := record.Amount.Value.Read(convention, account.Currency).Told()
	if !ok {
		return balance, bank.UnreadAmount
	}
	balance.code = psd2.Read(record.Type, notation.ReadBalanceType).Or("OTHR")
	balance.Balance = oxlin.Balance{
		Type: cmp.Or(balanceTypes[balance.code], oxlin.BalanceOther), Amount: money.Amount, Currency: money.Currency,
	}
	for _, written := range []psd2.Written{record.Day, record.Changed} {
		day, ok := c.day(written).Told()
		if ok {
			balance.Date = day
			break
		}
	}
	return balance, ""
}
