package contract_test

import (
	"bufio"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/oxlin/oxlin/internal/store/storetest"
)

// platform is the binary, running as a sandbox, with a web site that serves a test-bank
// file for every login: its path is the login.
type platform struct {
	address, bank string
	files         string
	// data is the platform's data directory; flags select its database.
	data    string
	flags   []string
	http    *http.Client
	counter atomic.Int64
}

// eachDatabase runs a test on a platform with SQLite and on one with PostgreSQL.
func eachDatabase(t *testing.T, test func(t *testing.T, p *platform)) {
	t.Parallel()
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		test(t, start(t, "--relaxed"))
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		test(t, start(t, "--database", storetest.Postgres(t)))
	})
}

// start runs the binary on free ports and a fresh data directory for as long as the
// test lasts.
func start(t *testing.T, flags ...string) *platform {
	t.Helper()
	err := sources()
	if err != nil {
		t.Fatal(err)
	}
	files := httptest.NewServer(http.HandlerFunc(serveFile))
	t.Cleanup(files.Close)
	p := &platform{
		files: files.URL, data: t.TempDir(), flags: flags,
		http: &http.Client{
			Timeout:       30 * time.Second,
			Transport:     &http.Transport{MaxIdleConnsPerHost: 32},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
	log := filepath.Join(t.TempDir(), "platform.log")
	file, err := os.Create(log)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	command := exec.Command(binary, append([]string{
		"serve", "--sandbox", "--testbank-control", "--allow-private-file-urls", "--data", p.data,
		"--listen", "127.0.0.1:0", "--testbank-listen", "127.0.0.1:0",
	}, flags...)...)
	command.Stderr = file
	output, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	err = command.Start()
	if err != nil {
		t.Fatal(err)
	}
	printed := bufio.NewScanner(output)
	t.Cleanup(func() {
		err := command.Process.Signal(syscall.SIGTERM)
		for printed.Scan() {
			// Wait closes the pipe, so the output is read first.
		}
		if err == nil {
			err = command.Wait()
		}
		if err != nil {
			t.Errorf("the platform ended badly: %v", err)
		}
		complaints(t, log)
	})
	for p.bank == "" && printed.Scan() {
		name, address, _ := strings.Cut(printed.Text(), "http")
		switch strings.TrimSpace(name) {
		case "platform":
			p.address = "http" + address
		case "test bank":
			p.bank = "http" + address
		}
	}
	if p.bank == "" {
		text, _ := os.ReadFile(log)
		t.Fatalf("the platform did not start:\n%s", text)
	}
	return p
}

// complaints fails a test whose platform logged an error.
func complaints(t *testing.T, log string) {
	text, err := os.ReadFile(log)
	if err != nil {
		t.Error(err)
	}
	for line := range strings.Lines(string(text)) {
		if strings.Contains(line, "level=ERROR") {
			t.Errorf("the platform's log has: %s", line)
		}
	}
}

// unique returns a new name at each call.
func (p *platform) unique(prefix string) string {
	return fmt.Sprintf("%s%d", prefix, p.counter.Add(1))
}

// serveFile writes the test-bank file of a login: five accounts of the four types, and
// rows of which each filter of the API selects some.
func serveFile(w http.ResponseWriter, r *http.Request) {
	login, _, _ := strings.Cut(path.Base(r.URL.Path), "+")
	fmt.Fprintf(w, `
CREDENTIALS|%s|dev
CREDENTIALS_OWNER|JO DOE
OWNER|MADM|JO|DOE|21/11/1980|1 RUE DU PORT 44000 NANTES|NANTES|0612345678
ACCOUNT|current|00011122233|D|1200.50|Checkings|||JO DOE|COMPTE COURANT|||FR7630001007941234567890185|EUR
DETAILS|PRIV|Compte de dépôt
TRANSACTION|-12.30|D-3|CB BOULANGERIE MARTIN 17/11|||PMNT/CCRD/POSD
TRANSACTION|-79.99|D-5|PRLV SEPA TELECOM|ABONNEMENT MOBILE|FAC-2211|PMNT/RDDT/ESDD
TRANSACTION|1500.00|D-10|VIR SEPA RECU ACME SALAIRE|||PMNT/RCDT/SALA
TRANSACTION|-4.00|D-12|FRAIS TENUE DE COMPTE|||ACMT/MDOP/CHRG
TRANSACTION|-288|D-40|CHEQUE 1234567|||PMNT/ICHQ/CCHQ
TRANSACTION|-35.20|D-1|CB STATION SERVICE|||PMNT/CCRD/POSD|PDNG
ACCOUNT|joint|00011122255|D|760.10|Checkings|||JO DOE,LOU DOE|COMPTE JOINT|||FR7610107001011234567890129|EUR
TRANSACTION|-60.00|D-2|RETRAIT DAB NANTES|||PMNT/CCRD/CWDL
ACCOUNT|card|4970XXXXXXXX1234|D|0|CreditCard|||JO DOE|CARTE DEBIT DIFFERE||||EUR
CARD|4970XXXXXXXX1234|current|DEFERRED|end
TRANSACTION|-25.50|D-2|LIBRAIRIE DU PORT|||PMNT/CCRD/POSC
ACCOUNT|livret|00011122244|D|300.00|Savings|||JO DOE|LIVRET A||||EUR
SAVINGS|Livret A|1.7|22950
TRANSACTION|300.00|D-20|VERSEMENT
ACCOUNT|pret|00011122266|D|-8000.00|Loans|||JO DOE|PRET VOITURE||||EUR
LOAN|12000|2.9|M-12/5|M+24/5|250.10|M+1/5|24
`, login)
}
