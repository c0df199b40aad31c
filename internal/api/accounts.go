package api

import (
	"context"
	"strings"

	"github.com/mavolin/standards/iban"
	"golang.org/x/text/currency"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/api/oas"
	"github.com/oxlin/oxlin/internal/connect"
)

// GetAccounts lists the accounts of the caller's user (contract §3.8).
func (a *API) GetAccounts(ctx context.Context, params oas.GetAccountsParams) ([]oas.Account, error) {
	list, err := a.options.Service.Accounts.List(ctx, callerOf(ctx))
	if err != nil {
		return nil, err
	}
	statuses := convertAll(params.Status, func(s oas.AccountStatusFilter) oas.AccountStatusFilter {
		if s == oas.AccountStatusFilterCONSENTPENDING {
			return oas.AccountStatusFilterPENDINGCONSENT // contract §9, row 4
		}
		return s
	})
	list = kept(list, func(account oxlin.Account) bool {
		return anyOf(params.ConnectionID, account.ConnectionID.String()) && anyOf(params.Type, account.Type) &&
			anyOf(statuses, account.Status) && (!params.Usage.Set || string(params.Usage.Value) == string(account.Usage)) &&
			matchesText(params.Q.Value, searchable(account)...)
	})
	sortBy(list, params.Sort, func(account oxlin.Account) sortKeys {
		return sortKeys{id: account.ID.String(), name: connect.AccountName(account), createdAt: account.CreatedAt}
	})
	return convertAll(pageOf(list, params.Page.Value, params.Limit.Value), account), nil
}

// searchable returns the texts by which an account is found, the ones that its JSON
// shows.
func searchable(a oxlin.Account) []string {
	if a.Status == oxlin.AccountPendingConsent {
		return []string{connect.AccountName(a)}
	}
	return []string{connect.AccountName(a), connect.AccountNumber(a), a.Number, a.MaskedNumber, a.IBAN}
}

// accountID reads the id of a path; what is no id names no account.
func accountID(s string) (oxlin.AccountID, error) {
	id, ok := oxlin.ParseID[oxlin.AccountID](s)
	if !ok {
		return 0, oxlin.NotFound("account")
	}
	return id, nil
}

// GetAccount shows an account.
func (a *API) GetAccount(ctx context.Context, params oas.GetAccountParams) (*oas.Account, error) {
	id, err := accountID(params.AccountID)
	if err != nil {
		return nil, err
	}
	found, err := a.options.Service.Accounts.Get(ctx, callerOf(ctx), id)
	if err != nil {
		return nil, err
	}
	shown := account(found)
	return &shown, nil
}

// CreateAccount makes an account that is kept by hand.
func (a *API) CreateAccount(ctx context.Context, request *oas.NewAccount) (*oas.CreatedHeaders, error) {
	number := strings.ToUpper(strings.ReplaceAll(request.Iban.Value, " ", ""))
	if number != "" && !iban.IsValid(number) {
		return nil, oxlin.Invalid("iban", "The IBAN is not valid: its country, its length or its check digits are wrong.")
	}
	_, err := currency.ParseISO(request.Currency.Value)
	if err != nil {
		return nil, oxlin.Invalid("currency", "ISO 4217 has no such currency.")
	}
	var balance *oxlin.Amount
	if told, ok := request.Balance.Get(); ok {
		balance = (*oxlin.Amount)(&told)
	}
	id, err := a.options.Service.Accounts.Create(ctx, callerOf(ctx), connect.NewAccount{
		Name: request.Name, Type: oxlin.AccountType(request.Type), Usage: oxlin.Usage(request.Usage.Or(oas.UsagePERSONAL)),
		Currency: request.Currency.Value, Balance: balance,
		IBAN: number, Number: request.AccountNumber.Value,
	})
	if err != nil {
		return nil, err
	}
	return &oas.CreatedHeaders{Location: "/accounts/" + id.String()}, nil
}

// ChangeAccount changes what is given of an account.
func (a *API) ChangeAccount(ctx context.Context, request *oas.AccountChange, params oas.ChangeAccountParams) error {
	id, err := accountID(params.AccountID)
	if err != nil {
		return err
	}
	var change connect.AccountChange
	if name, ok := request.Name.Get(); ok {
		change.Name = &name
	}
	if status, ok := request.Status.Get(); ok {
		change.Status = (*oxlin.AccountStatus)(&status)
	}
	if usage, ok := request.Usage.Get(); ok {
		change.Usage = (*oxlin.Usage)(&usage)
	}
	return a.options.Service.Accounts.Change(ctx, callerOf(ctx), id, change)
}

// PutAccount does what ChangeAccount does.
func (a *API) PutAccount(ctx context.Context, request *oas.AccountChange, params oas.PutAccountParams) error {
	return a.ChangeAccount(ctx, request, oas.ChangeAccountParams(params))
}

// DeleteAccount removes an account and its data.
func (a *API) DeleteAccount(ctx context.Context, params oas.DeleteAccountParams) error {
	id, err := accountID(params.AccountID)
	if err != nil {
		return err
	}
	return a.options.Service.Accounts.Delete(ctx, callerOf(ctx), id)
}

// GetBalanceCheck checks an account's balances against its transactions (contract §12.19).
func (a *API) GetBalanceCheck(ctx context.Context, params oas.GetBalanceCheckParams) (*oas.BalanceCheck, error) {
	id, err := accountID(params.AccountID)
	if err != nil {
		return nil, err
	}
	check, err := a.options.Service.Accounts.BalanceCheck(ctx, callerOf(ctx), id)
	if err != nil {
		return nil, err
	}
	return &oas.BalanceCheck{
		Status: oas.BalanceCheckStatus(check.Status), Reason: checkReason(check.Reason), Gap: someAmount(check.Gap),
		Days: convertAll(check.Days, func(d connect.CheckedDays) oas.BalanceCheckDays {
			return oas.BalanceCheckDays{
				From: day(d.From), To: day(d.To), OpeningBalance: oas.Amount(d.Opening), Transactions: oas.Amount(d.Rows),
				ClosingBalance: oas.Amount(d.Closing), Status: oas.BalanceCheckStatus(d.Status), Reason: checkReason(d.Reason), Gap: someAmount(d.Gap),
			}
		}),
	}, nil
}

func checkReason(r connect.CheckReason) oas.OptBalanceCheckReason {
	return oas.OptBalanceCheckReason{Value: oas.BalanceCheckReason(r), Set: r != ""}
}
