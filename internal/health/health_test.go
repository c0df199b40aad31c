package health_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/health"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/store/storetest"
)

func serve(t *testing.T, options health.Options) *httptest.Server {
	t.Helper()
	mux := http.NewServeMux()
	health.Register(mux, options)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

func TestAMigratedDatabaseIsReady(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		server := serve(t, health.Options{DB: db})
		if status, body := get(t, server.URL+"/healthz"); status != 200 || body != "ok\n" {
			t.Errorf("/healthz: %d %q", status, body)
		}
		if status, body := get(t, server.URL+"/readyz"); status != 200 || body != "ready\n" {
			t.Errorf("/readyz: %d %q", status, body)
		}
	})
}

func TestADatabaseThatCannotServeIsNotReady(t *testing.T) {
	for name, address := range storetest.Addresses(t) {
		t.Run(name, func(t *testing.T) {
			db, err := store.Open(t.Context(), address, store.Options{})
			if err != nil {
				t.Fatal(err)
			}
			server := serve(t, health.Options{DB: db})
			if status, body := get(t, server.URL+"/readyz"); status != 503 || body != "the database is not migrated\n" {
				t.Errorf("not migrated: %d %q", status, body)
			}
			err = db.Close()
			if err != nil {
				t.Fatal(err)
			}
			if status, body := get(t, server.URL+"/readyz"); status != 503 || body != "the database does not answer\n" {
				t.Errorf("closed: %d %q", status, body)
			}
			if status, _ := get(t, server.URL+"/healthz"); status != 200 {
				t.Errorf("the process lives, but /healthz says %d", status)
			}
			if status, body := get(t, server.URL+"/metrics"); status != 200 || !strings.Contains(body, "go_goroutines") {
				t.Errorf("metrics without a database: %d", status)
			}
		})
	}
}

func TestMetricsCount(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		err := db.Write(t.Context(), func(tx *store.Tx) error {
			err := tx.SaveClient(t.Context(), oxlin.Client{ID: "c", Secrets: []oxlin.ClientSecret{
				{Hash: []byte{0xab, 0xcd, 0xef, 1, 2}, EndsAt: time.Unix(1800000000, 0)}, {Hash: []byte{1}},
				{Hash: []byte{2}, EndsAt: time.Unix(1800000100, 0)}, {Hash: []byte{3}, EndsAt: time.Unix(1900000000, 0)},
			}})
			if err != nil {
				return err
			}
			user, err := tx.InsertUser(t.Context(), oxlin.User{ClientID: "c", Email: "hidden@example.org"})
			if err != nil {
				return err
			}
			connection, err := tx.InsertConnection(t.Context(), oxlin.Connection{UserID: user, ProviderID: "87"})
			if err != nil {
				return err
			}
			for _, channel := range []oxlin.Channel{
				{DefinitionID: "a", Status: oxlin.ChannelSuccess},
				{DefinitionID: "b", Status: oxlin.ChannelSuccess},
				{DefinitionID: "c", Status: oxlin.ChannelTokenExpired},
			} {
				channel.ConnectionID = connection
				_, err := tx.InsertChannel(t.Context(), channel)
				if err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		metrics := health.NewMetrics()
		server := serve(t, health.Options{DB: db, Metrics: metrics, Now: func() time.Time { return time.Unix(1800000000, 0).AddDate(0, 0, -20) }})
		counted := httptest.NewServer(metrics.Requests(http.NotFoundHandler()))
		defer counted.Close()
		client := &http.Client{Transport: metrics.BankCalls(http.DefaultTransport)}
		for range 3 {
			response, err := client.Get(counted.URL + "/users/7?token=hidden")
			if err != nil {
				t.Fatal(err)
			}
			response.Body.Close()
		}
		_, body := get(t, server.URL+"/metrics")
		for _, line := range []string{
			`oxlin_channels{status="SUCCESS"} 2`,
			`oxlin_channels{status="TOKEN_EXPIRED"} 1`,
			"oxlin_client_secrets_ending_soon 2",
			"oxlin_client_secret_next_end_timestamp_seconds 1.8e+09",
			`oxlin_http_request_seconds_count{code="404",method="get"} 3`,
			`oxlin_bank_call_seconds_count{code="404",method="get"} 3`,
		} {
			if !strings.Contains(body, line+"\n") {
				t.Errorf("metrics lack %s", line)
			}
		}
		if strings.Contains(body, "hidden") || strings.Contains(body, "/users") || strings.Contains(body, "abcdef01") {
			t.Error("metrics name users")
		}
	})
}
