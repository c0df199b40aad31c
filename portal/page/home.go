package page

import "strings"

// goExample is a program that uses the typed client.
func goExample(platform string) string {
	return strings.ReplaceAll(`import "github.com/oxlin/oxlin/client"

oxlin, err := client.NewClient("PLATFORM/v2.1", tokens)
accounts, err := oxlin.GetAccounts(ctx, client.GetAccountsParams{})
`, "PLATFORM", platform)
}
