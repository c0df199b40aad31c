package psd2

import "slices"

// BalanceRank ranks an account's balances by type, lowest first: the types in the order
// of priority, then all others. A balance in a foreign currency ranks after all
// balances in the account's currency.
func BalanceRank(priority []string, kind string, foreign bool) int {
	rank := slices.Index(priority, kind)
	if rank < 0 {
		rank = len(priority)
	}
	if foreign {
		rank += len(priority) + 1
	}
	return rank
}
