package api

import (
	"context"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/api/oas"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/synchro/wording"
)

// GetTransactions lists transactions, the newest import first unless the request is about
// what has come since an import (contract §12.1).
func (a *API) GetTransactions(ctx context.Context, params oas.GetTransactionsParams) ([]oas.Transaction, error) {
	filter := store.TransactionFilter{
		AccountTypes:     convertAll(params.AccountType, func(t oas.AccountType) oxlin.AccountType { return oxlin.AccountType(t) }),
		Origins:          convertAll(params.Origin, func(o oas.Origin) oxlin.Origin { return oxlin.Origin(o) }),
		IncludedStatuses: convertAll(params.IncludedStatuses, transactionStatus),
		ExcludedStatuses: convertAll(params.ExcludedStatuses, transactionStatus),
		Categories:       params.CategoryID,
		MinAmount:        amountOf(params.MinAmount),
		MaxAmount:        amountOf(params.MaxAmount),
		Amount:           amountOf(params.Amount),
		NewestFirst:      params.Sort.Or(orderOf(params)) == oas.GetTransactionsSortMinusImportDate,
	}
	for _, named := range params.AccountID {
		// What is no id names no account, so nothing is found by it.
		id, _ := oxlin.ParseID[oxlin.AccountID](named)
		filter.Accounts = append(filter.Accounts, id)
	}
	if start, ok := params.StartDate.Get(); ok {
		filter.StartDate = dayAt(int64(start))
	}
	if end, ok := params.EndDate.Get(); ok {
		filter.EndDate = dayAt(int64(end))
	}
	if start, ok := params.StartImportDate.Get(); ok {
		filter.StartImport = time.Unix(int64(start), 0)
	}
	list, err := transactionsOn(ctx, a, filter, params.Page.Value, params.Limit.Value)
	return convertAll(list, transaction), err
}

// orderOf returns the order for a request that names none.
func orderOf(params oas.GetTransactionsParams) oas.GetTransactionsSort {
	if params.StartImportDate.Set {
		return oas.GetTransactionsSortImportDate
	}
	return oas.GetTransactionsSortMinusImportDate
}

// transactionsOn returns one list page. It continues after the last row of the list page
// before it, if that is known; otherwise it is found by its position.
func transactionsOn(ctx context.Context, a *API, filter store.TransactionFilter, page, limit int) ([]oxlin.Transaction, error) {
	caller := callerOf(ctx)
	key, err := listKey(exchangeOf(ctx).bearer, caller.UserID, filter, limit)
	if err != nil {
		return nil, err
	}
	before := skip(page, limit)
	after, known := a.walks.find(caller.Client.ID, markKey{list: key, page: page})
	if known {
		filter.After, before = after, 0
	}
	list, err := a.options.Service.Transactions.List(ctx, caller, filter, before, limit)
	if err != nil {
		return nil, err
	}
	if len(list) > 0 {
		after, known = list[len(list)-1].ImportedAt, true
	}
	if known {
		a.walks.remember(caller.Client.ID, markKey{list: key, page: page + 1}, after)
	}
	return list, nil
}

func transactionStatus(s oas.TransactionStatus) oxlin.TransactionStatus {
	return oxlin.TransactionStatus(s)
}

func amountOf(a oas.OptAmount) *oxlin.Amount {
	if !a.Set {
		return nil
	}
	return (*oxlin.Amount)(&a.Value)
}

// GetTransaction shows a transaction.
func (a *API) GetTransaction(ctx context.Context, params oas.GetTransactionParams) (*oas.Transaction, error) {
	id, ok := oxlin.ParseID[oxlin.TransactionID](params.TransactionID)
	if !ok {
		return nil, oxlin.NotFound("transaction")
	}
	found, err := a.options.Service.Transactions.Get(ctx, callerOf(ctx), id)
	if err != nil {
		return nil, err
	}
	shown := transaction(found)
	return &shown, nil
}

// ExplainTransaction explains a transaction (contract §12.19).
func (a *API) ExplainTransaction(ctx context.Context, params oas.ExplainTransactionParams) (*oas.TransactionExplanation, error) {
	id, ok := oxlin.ParseID[oxlin.TransactionID](params.TransactionID)
	if !ok {
		return nil, oxlin.NotFound("transaction")
	}
	found, err := a.options.Service.Transactions.Explain(ctx, callerOf(ctx), id)
	if err != nil {
		return nil, err
	}
	return explanation(found), nil
}

// ListCategories lists the categories of transactions (contract §3.10).
func (a *API) ListCategories(context.Context) ([]oas.Category, error) {
	return categories(wording.Categories()), nil
}
