package main

import (
	"encoding/json"
	"fmt"
	"os"
)

// costsFrom returns the published costs, with those of a bench's result in their place. Figures
// that the result lacks stay.
func costsFrom(file string) (costs, error) {
	c := measured
	if file == "" {
		return c, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return c, err
	}
	var kept struct {
		Database string `json:"database"`
		Figures  []struct {
			Name  string  `json:"name"`
			Unit  string  `json:"unit"`
			Value float64 `json:"value"`
			CPU   float64 `json:"cpu"` // µs of the platform
		} `json:"figures"`
	}
	err = json.Unmarshal(text, &kept)
	if err != nil {
		return c, fmt.Errorf("%s: %w", file, err)
	}
	if kept.Database != "postgres" {
		return c, fmt.Errorf("%s: a result of %q; a platform of many nodes has PostgreSQL", file, kept.Database)
	}
	into := c.figures()
	found := 0
	for _, figure := range kept.Figures {
		one, seconds := into[figure.Name], figure.CPU/1e6
		if figure.CPU == 0 && figure.Unit == "ms" {
			seconds = figure.Value / 1e3 // what is measured is the processor time itself
		}
		if one != nil && seconds > 0 {
			one.node, one.database = seconds, seconds
			found++
		}
	}
	if found == 0 {
		return c, fmt.Errorf("%s has no figure of those that cost here", file)
	}
	return c, nil
}

// figures are the costs by the bench's names.
func (c *costs) figures() map[string]*cost {
	return map[string]*cost{
		"synchronisation without news, CPU": &c.quiet,
		"lists of 100 transactions":         &c.list,
		"tokens, 8 callers":                 &c.token,
	}
}
