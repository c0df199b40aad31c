package page

import "strings"

// goExample returns a program that uses the typed client.
func goExample(platform string) string {
	return strings.ReplaceAll(`import "github.com/oxlin/oxlin/client"

software := client.Application{Auth: "PLATFORM", ID: id, Secret: secret}
tokens, err := software.User(ctx, email, password, "transactions_read")
...
api, err := client.New("PLATFORM", tokens)
...
for transaction, err := range api.AllTransactions(ctx, client.GetTransactionsParams{}) {
	...
	fmt.Println(transaction.Date.Date(), transaction.Amount, transaction.Currency, transaction.Label)
}
`, "PLATFORM", platform)
}
