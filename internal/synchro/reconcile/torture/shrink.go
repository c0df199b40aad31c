package torture

import "slices"

// shrink removes from a history whatever its fault does not need.
func shrink(h *History, kind string) *History {
	return shrinkWhile(h, func(c *History) bool { return len(c.Readings) > 0 && play(c, nil).count(kind) > 0 })
}

func shrinkWhile(h *History, fails func(*History) bool) *History {
	for {
		smaller := false
		for _, c := range candidates(h) {
			if fails(c) {
				h, smaller = c, true
				break
			}
		}
		if !smaller {
			return h
		}
	}
}

// candidates are the histories that lack one thing of a history, the largest first.
func candidates(h *History) []*History {
	var list []*History
	try := func(change func(*History)) {
		c := h.clone()
		change(c)
		list = append(list, c)
	}
	for n := len(h.Rows) / 2; n > 1; n /= 2 {
		for i := 0; i+n <= len(h.Rows); i += n {
			try(func(c *History) { c.Rows = slices.Delete(c.Rows, i, i+n) })
		}
	}
	for i := range h.Readings {
		try(func(c *History) { c.Readings = slices.Delete(c.Readings, i, i+1) })
	}
	for i := range h.Rows {
		try(func(c *History) { c.Rows = slices.Delete(c.Rows, i, i+1) })
	}
	for i, r := range h.Readings {
		for k := range r.Faults {
			try(func(c *History) { c.Readings[i].Faults = slices.Delete(c.Readings[i].Faults, k, k+1) })
		}
		if r.Channel != 0 {
			try(func(c *History) { c.Readings[i].Channel = 0 })
		}
		if r.Parser != 0 {
			try(func(c *History) { c.Readings[i].Parser = 0 })
		}
		if r.Consent != 0 {
			try(func(c *History) { c.Readings[i].Consent = 0 })
		}
	}
	for i, r := range h.Rows {
		for k := range r.Changes {
			try(func(c *History) { c.Rows[i].Changes = slices.Delete(c.Rows[i].Changes, k, k+1) })
		}
		if r.Seen < r.Settled {
			try(func(c *History) { c.Rows[i].Seen = r.Settled })
		}
		if r.Style != plainName {
			try(func(c *History) { c.Rows[i].Style = plainName })
		}
		if r.Operation != r.Booking && r.Seen == r.Settled {
			try(func(c *History) { c.Rows[i].Operation = r.Booking })
		}
		if r.Value != r.Booking {
			try(func(c *History) { c.Rows[i].Value = r.Booking })
		}
		if r.Amount%100_000 != 0 {
			try(func(c *History) { c.Rows[i].Amount -= r.Amount % 100_000 })
		}
		if r.Amount > 0 {
			try(func(c *History) { c.Rows[i].Amount = -r.Amount })
		}
	}
	for _, simpler := range []struct {
		is     bool
		change func(*Bank)
	}{
		{h.Bank.Balances, func(b *Bank) { b.Balances = false }},
		{h.Bank.Neighbour, func(b *Bank) { b.Neighbour = false }},
		{h.Bank.Operations, func(b *Bank) { b.Operations = false }},
		{h.Bank.Values, func(b *Bank) { b.Values = false }},
		{h.Bank.Days != 90, func(b *Bank) { b.Days = 90 }},
		{h.Bank.Form != absent && !movesAway(h), func(b *Bank) { b.Form = absent }},
	} {
		if simpler.is {
			try(func(c *History) { simpler.change(&c.Bank) })
		}
	}
	return list
}

// movesAway reports whether a row moves far away: no history has that without an id that lasts.
func movesAway(h *History) bool {
	return slices.ContainsFunc(h.Rows, func(r Row) bool {
		return slices.ContainsFunc(r.Changes, func(c Change) bool { return c.What == moveAway })
	})
}
