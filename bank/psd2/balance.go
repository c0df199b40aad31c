package psd2

import "slices"

// BalanceRank orders an account's balances by their types, lowest first: as in
// priority, then the types that it does not name. A balance in a foreign currency
// comes after all others.
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
