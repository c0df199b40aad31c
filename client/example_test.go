package client_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/oxlin/oxlin/client"
)

// The user's accounts are synchronised already: `oxlin quickstart` shows the way there.
func Example() {
	ctx := context.Background()
	software := client.Application{Auth: "http://127.0.0.1:8080", ID: "sandbox-licensed", Secret: "sandbox-licensed-secret"}
	tokens, err := software.User(ctx, "jo.doe@example.test", "password", "transactions_read", "connections_sync")
	if err != nil {
		log.Fatal(err)
	}
	api, err := client.New("http://127.0.0.1:8080", tokens)
	if err != nil {
		log.Fatal(err)
	}
	for connection, err := range api.AllConnections(ctx, client.GetConnectionsParams{}) {
		if err != nil {
			log.Fatal(err)
		}
		settled, err := api.WaitForConnection(ctx, connection.ID, 2*time.Second)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(settled.Name, settled.Status)
	}
	for transaction, err := range api.AllTransactions(ctx, client.GetTransactionsParams{}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(transaction.Date.Date(), transaction.Amount, transaction.Currency, transaction.Label)
	}
}
