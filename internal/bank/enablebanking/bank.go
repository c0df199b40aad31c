package enablebanking

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"

	"github.com/oxlin/oxlin/internal/bank/notation"
	"github.com/oxlin/oxlin/internal/bank/psd2"
)

// Listed is a bank of the aggregator's list.
type Listed struct {
	Bank
	// BIC is empty if the list does not have it.
	BIC string
	// Logo is the address of its picture, which is somebody else's.
	Logo string
	// MaximumValidity and RequiredPSUHeaders are those of Config.
	MaximumValidity    int
	RequiredPSUHeaders []string
}

// listedRecord is ASPSPData.
type listedRecord struct {
	// Name is sent back letter for letter.
	Name     string          `json:"name"`
	Country  string          `json:"country"`
	BIC      psd2.ID         `json:"bic"`
	Logo     psd2.ID         `json:"logo"`
	Validity int             `json:"maximum_consent_validity"`
	Headers  json.RawMessage `json:"required_psu_headers"`
}

// Banks reads GET /aspsps: the banks of a country whose accounts can be read by users of a
// kind. Those without a name, or without the length of a session, are counted as unusable.
func Banks(ctx context.Context, a Application, deps psd2.Deps, country, psuType string) (banks []Listed, unusable int, err error) {
	api, err := newClient(a, psd2.Interface{BaseURL: a.baseURL(), TimeoutSeconds: usualTimeout}, deps)
	if err != nil {
		return nil, 0, err
	}
	call, err := api.own()
	if err != nil {
		return nil, 0, err
	}
	query := url.Values{"country": {country}, "psu_type": {psuType}, "service": {"AIS"}}
	list, err := api.SendList(ctx, call, psd2.Request{Op: opBanks, Resource: "/aspsps", Query: query.Encode()}, "aspsps", "maximum_consent_validity")
	if err != nil {
		return nil, 0, err
	}
	for _, raw := range list.Records {
		var record listedRecord
		err := json.Unmarshal(raw, &record)
		if err != nil || record.Name == "" || record.Country != country || record.Validity <= 0 {
			unusable++
			continue
		}
		bank := Listed{Bank: Bank{record.Name, country}, BIC: string(record.BIC), Logo: string(record.Logo), MaximumValidity: record.Validity}
		for _, name := range psd2.ReadLines(record.Headers) {
			bank.RequiredPSUHeaders = append(bank.RequiredPSUHeaders, notation.Identifier(name))
		}
		banks = append(banks, bank)
	}
	if list.Cut {
		return nil, 0, psd2.Nonsense(errors.New("the list of banks ends too early"))
	}
	return banks, unusable, nil
}
