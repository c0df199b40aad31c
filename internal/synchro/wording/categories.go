package wording

import (
	"slices"
	"strings"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
)

// categories are those of contract §3.10, in its spelling.
var categories = []oxlin.Category{
	{ID: "DAILY_LIFE", Label: "Dépenses vie courante", Type: "EXPENSE"},
	{ID: "SUPERMARKET", Label: "Alimentation, supermarché", Type: "EXPENSE", Parent: "DAILY_LIFE"},
	{ID: "CONSUMER_LOAN", Label: "Remb. prêt conso", Type: "EXPENSE", Parent: "DAILY_LIFE"},
	{ID: "DRESSING", Label: "Habillement, accessoires", Type: "EXPENSE", Parent: "DAILY_LIFE"},
	{ID: "PETS", Label: "Animaux", Type: "EXPENSE", Parent: "DAILY_LIFE"},
	{ID: "TELECOM", Label: "Internet, TV, télécom", Type: "EXPENSE", Parent: "DAILY_LIFE"},
	{ID: "SNAKS_ANDWORK_MEALS", Label: "Snacks, repas au travail", Type: "EXPENSE", Parent: "DAILY_LIFE"},
	{ID: "SERVICES", Label: "Services", Type: "EXPENSE", Parent: "DAILY_LIFE"},
	{ID: oxlin.Uncategorized, Label: "Non catégorisé", Type: "EXPENSE"},
}

// Categories lists every category that a transaction may have, parents first.
func Categories() []oxlin.Category { return slices.Clone(categories) }

// merchantCategories are the unambiguous ones of ISO 18245.
var merchantCategories = map[string]string{
	"5411": "SUPERMARKET", "5422": "SUPERMARKET", "5451": "SUPERMARKET", "5462": "SUPERMARKET", "5499": "SUPERMARKET",
	"4814": "TELECOM", "4899": "TELECOM",
	"5611": "DRESSING", "5621": "DRESSING", "5641": "DRESSING", "5651": "DRESSING", "5661": "DRESSING", "5691": "DRESSING", "5699": "DRESSING",
	"0742": "PETS", "5995": "PETS",
	"5814": "SNAKS_ANDWORK_MEALS",
}

// brands are unambiguous names; they match whole words.
var brands = []struct{ name, category string }{
	{"CARREFOUR", "SUPERMARKET"}, {"AUCHAN", "SUPERMARKET"}, {"E.LECLERC", "SUPERMARKET"}, {"LIDL", "SUPERMARKET"},
	{"ALDI", "SUPERMARKET"}, {"MONOPRIX", "SUPERMARKET"}, {"FRANPRIX", "SUPERMARKET"}, {"INTERMARCHE", "SUPERMARKET"},
	{"PICARD SURGELES", "SUPERMARKET"}, {"BIOCOOP", "SUPERMARKET"}, {"SUPER U", "SUPERMARKET"}, {"HYPER U", "SUPERMARKET"},
	{"FREE TELECOM", "TELECOM"}, {"FREE MOBILE", "TELECOM"}, {"FREE HAUTDEBIT", "TELECOM"}, {"SFR", "TELECOM"},
	{"BOUYGUES TELECOM", "TELECOM"}, {"SOSH", "TELECOM"}, {"LA POSTE TELEC", "TELECOM"}, {"TELECOM", "TELECOM"},
	{"KIABI", "DRESSING"}, {"DECATHLON", "DRESSING"}, {"PROMOD", "DRESSING"},
	{"VETERINAIRE", "PETS"}, {"ANIMALIS", "PETS"},
	{"MCDONALD'S", "SNAKS_ANDWORK_MEALS"}, {"MC DONALD'S", "SNAKS_ANDWORK_MEALS"},
	{"COFIDIS", "CONSUMER_LOAN"}, {"SOFINCO", "CONSUMER_LOAN"}, {"CETELEM", "CONSUMER_LOAN"},
}

func categoryOf(t bank.Transaction, lines []string, counterparty string) (string, Rule) {
	if t.Amount >= 0 {
		return oxlin.Uncategorized, CategoryNone
	}
	category := merchantCategories[t.MerchantCategory]
	if category != "" {
		return category, CategoryMerchant
	}
	if t.Code.Domain == "LDAS" && t.Code.Family == "CSLN" {
		return "CONSUMER_LOAN", CategoryCode
	}
	text := " " + plain(strings.Join(append(lines[:len(lines):len(lines)], counterparty), " ")) + " "
	for _, brand := range brands {
		if strings.Contains(text, " "+brand.name+" ") {
			return brand.category, CategoryBrand
		}
	}
	return oxlin.Uncategorized, CategoryNone
}
