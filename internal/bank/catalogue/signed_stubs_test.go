package catalogue_test

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/banktest"
)

var (
	signatureValue = regexp.MustCompile(`signature="[A-Za-z0-9+/]+=*"$`)
	recordedFrom   = regexp.MustCompile(`dateFrom=\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.000Z$`)
)

// asSigned stands before recordings of signed requests: it replaces the value of the signature, which
// the recorder left out, and the day and time at which it asked. Everything else of them has to be ours.
func asSigned(signature, from string) func(http.Handler) http.Handler {
	return func(player http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.Header.Set("Signature", signatureValue.ReplaceAllLiteralString(r.Header.Get("Signature"), `signature="`+signature+`"`))
			if from != "" {
				// The bank compares addresses with plain colons, which mean the same.
				r.URL.RawQuery = recordedFrom.ReplaceAllLiteralString(strings.ReplaceAll(r.URL.RawQuery, "%3A", ":"), "dateFrom="+from)
			}
			player.ServeHTTP(w, r)
		})
	}
}

// at returns a call for a present user to an address.
func at(address, token string) bank.Call {
	c := call(token)
	c.PSU = &oxlin.PSU{IP: address}
	return c
}

// told tells an account of a bank: its identity, the balance shown, the next debit, and its rows.
func (r recorded) told(t *testing.T, call bank.Call) (all []string) {
	t.Helper()
	page, err := r.Accounts(t.Context(), call, "")
	if err != nil {
		t.Fatal(err)
	}
	owner, err := r.Owner(t.Context(), call, page)
	if err != nil {
		t.Fatal(err)
	}
	all = append(all, "owner "+owner.Name)
	for _, account := range page.Accounts {
		paid := slices.IndexFunc(page.Accounts, func(other bank.Account) bool {
			return account.LinkedAddress != "" && other.Address == account.LinkedAddress
		})
		line := strings.Join([]string{string(account.Type), account.IBAN, account.Name, account.Currency}, " ")
		if paid >= 0 {
			line += " paid from " + page.Accounts[paid].Name
		}
		if !account.HeldByCustomer {
			line += " of another"
		}
		all = append(all, line)
		balances, err := banktest.Balances(t.Context(), r, call, account.Ref())
		if err != nil {
			t.Fatal(err)
		}
		if balances.Shown != nil {
			all = append(all, strings.Join([]string{"balance", balances.Shown.Amount.String(), balances.Shown.Currency, balances.Shown.Date.String()}, " "))
		}
		all = append(all, lines(r.everything(t, call, account.Ref()))...)
	}
	return all
}

func replaySocieteGenerale(t *testing.T, folder string) recorded {
	return replayBehind(t, asSigned("signed string", "2021-07-13T18:17:13.000Z"), "1700", "societe-generale.json", "", "", []string{"societegenerale/" + folder},
		"https://api.societegenerale.fr/psd2/ais/v1", "https://api.societegenerale.fr", "/psd2/oauth/token", "/oauth2/token",
		"{{sg_client_id}}", "f330xxxx6fe8xxxx6edbxxxxd15axxxx", "{{sg_client_secret}}", "55ffxxxx7eeaxxxx8dc8xxxx4d61xxxx",
		"{{qseal_url}}", "https://test.qseal.certificate.com/26:c7:b8:8e:09:0b:e1:ed:04:3e:bd:58:3d:4d:78:b5:ad:ad:fa:c1.pem")
}

func TestSocieteGeneraleAsRecorded(t *testing.T) {
	r := replaySocieteGenerale(t, "happy-flow")
	access, err := banktest.Redeem(t.Context(), r, "71417ee9-2534-451f-b4bb-5d487ac7ea5a", bank.Journey{RedirectURI: "https://redirect.url"})
	if err != nil {
		t.Fatal(err)
	}
	renewed, err := r.Refresh(t.Context(), access)
	if err != nil || renewed.RefreshToken.Reveal() != "4f53e19c-2e0e-418a-b57c-7eb94cc76ee7" {
		t.Fatalf("%+v, %v", renewed, err)
	}
	want := []string{
		"owner ",
		"CHECKINGS FR7630003045120025007158210 Compte Bancaire EUR",
		"balance 344.5 EUR 2021-10-01",
		"2019-10-04 PENDING -1 EUR ABONNEMENT MON COMPTE EN BREF",
		"2019-10-04 BOOKED 11 EUR VIREMENT RECU DE: COUPLE VUDO REF: 1000000410244",
		"CREDIT_CARD  Compte Bancaire EUR paid from Compte Bancaire",
		"balance 200.23 EUR 2021-10-01",
		"2020-12-17 BOOKED -2 EUR ABONNEMENT MON COMPTE EN BREF",
		"2020-12-17 PENDING -3 EUR ABONNEMENT MON COMPTE EN BREF",
	}
	if diff := cmp.Diff(want, r.told(t, call("THE-ACCESS-TOKEN"))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	_, err = r.Accounts(t.Context(), call("THE-ACCESS-TOKEN-EXPIRED"), "")
	wantKind(t, err, bank.AccessLost, 403)
	// Payments, and a period without a beginning.
	r.wantAllPlayed(t, "card-account-transactions.json", "payment-confirmation.json", "payment-request.json", "payment-status.json", "pis-token.json")
}

func TestSocieteGeneraleWithAnExpectedDay(t *testing.T) {
	r := replaySocieteGenerale(t, "expecting-booking-date")
	want := []string{
		"owner ", "CHECKINGS FR7630003045120025007158210 Compte Bancaire EUR", "balance 344.5 EUR 2021-10-01",
		"2021-10-20 PENDING -1 EUR ABONNEMENT MON COMPTE EN BREF",
	}
	if diff := cmp.Diff(want, r.told(t, call("THE-ACCESS-TOKEN"))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	r.wantAllPlayed(t)
}

func replayArkea(t *testing.T, folder string) recorded {
	return replayBehind(t, asSigned("VEVTVC1FTkNPREVELVNJR05BVFVSRQ==", ""), "1801", "cm-arkea.json", "1.5", "/psd2/v1", []string{"cmarkea/1.4.2/" + folder},
		"{{arkea_client_id}}", "some_client_id",
		"{{qseal_folder}}/{fingerprint}.pem", "https://test.qseal.certificate.com/26:c7:b8:8e:09:0b:e1:ed:04:3e:bd:58:3d:4d:78:b5:ad:ad:fa:c1.pem")
}

func TestArkeaGivesAccessAsRecorded(t *testing.T) {
	r := replayArkea(t, "get_access_token_successfully")
	_, err := banktest.Redeem(t.Context(), r, "some_code", bank.Journey{RedirectURI: "https://redirect.url"})
	if err != nil {
		t.Fatal(err)
	}
	r.wantAllPlayed(t)
	r = replayArkea(t, "get_reresh_token_successfully")
	_, err = r.Refresh(t.Context(), bank.Access{RefreshToken: oxlin.NewSecret("refresh-token")})
	if err != nil {
		t.Fatal(err)
	}
	_, err = r.Refresh(t.Context(), bank.Access{RefreshToken: oxlin.NewSecret("already-refreshed-token")})
	wantKind(t, err, bank.AccessLost, 400)
	r.wantAllPlayed(t)
}

func TestArkeaAsRecorded(t *testing.T) {
	for folder, want := range map[string]struct {
		token, owner, balance string
		accounts, rows        int
		first, last           string
	}{
		"one_personal_account":  {"accessToken123456700", "BERGOT FRANCIS", "balance 2090.27 EUR 2020-03-18", 1, 1, "", "2020-03-18 BOOKED -2.65 EUR ECH PRET 0709000009102"},
		"two_personal_accounts": {"accessToken123456701", "ROLLAND JOHN", "balance 7802.2 EUR 2020-07-12", 2, 2, "", ""},
		"negative_balance":      {"accessToken123456704", "DAUGAREIL SAMIA", "balance -2231.92 EUR 2020-05-17", 1, 1, "2020-05-17 BOOKED 1000 EUR VIR DOMI COMPTE CHEQUES 1", ""},
		"without_transactions":  {"accessToken123456709", "RAYMOND JEAN", "balance 386.15 EUR 2020-03-18", 1, 0, "", ""},
		"no_account":            {"accessToken123456703", "BEAU PIERRE", "", 0, 0, "", ""},
	} {
		t.Run(folder, func(t *testing.T) {
			r := replayArkea(t, folder)
			asked := call(want.token)
			if folder == "one_personal_account" {
				asked = at("127.0.0.1", want.token)
			}
			got := r.told(t, asked)
			accounts := 0
			for _, line := range got {
				if strings.HasPrefix(line, string(oxlin.AccountCheckings)) {
					accounts++
				}
			}
			if got[0] != "owner "+want.owner || accounts != want.accounts || want.balance != "" && got[2] != want.balance {
				t.Errorf("%v", got)
			}
			for _, line := range []string{want.first, want.last} {
				if line != "" && !slices.Contains(got, line) {
					t.Errorf("no %q in %v", line, got)
				}
			}
			if want.rows == 0 && len(got) > 1+2*want.accounts {
				t.Errorf("rows: %v", got)
			}
			r.wantAllPlayed(t)
		})
	}
	r := replayArkea(t, "no_consent")
	_, err := r.Accounts(t.Context(), call("accessToken123456705"), "")
	wantKind(t, err, bank.AccessLost, 403)
}

func replayFortis(t *testing.T, folder string) recorded {
	return replay(t, "1950", "bnp-paribas-fortis.json", "1.4", "/psd2/v2", []string{"bnpparibasfortis/" + folder},
		"{{fortis_client_id}}", "client-id", "{{fortis_client_secret}}", "client-secret")
}

func TestBNPParibasFortisAsRecorded(t *testing.T) {
	r := replayFortis(t, "happy-flow")
	access, err := banktest.Redeem(t.Context(), r, "authorization-code", bank.Journey{RedirectURI: "https://yolt.com/callback"})
	if err != nil || !access.RefreshToken.IsZero() {
		t.Fatalf("%+v, %v", access, err)
	}
	const token = "b343aa01-ea3c-4fe5-9658-944c82cb7683"
	present := func(token string) bank.Call { return at("127.0.0.1", token) }
	want := []string{
		"owner ",
		"CHECKINGS BE54470111111100 Account One EUR", "balance -220.2 EUR 2019-04-02",
		"2019-02-27 BOOKED -12.25 EUR transaction-information-1001", "2019-02-27 BOOKED 245.5 EUR ", "2019-02-27 PENDING -8 EUR transaction-information-1003",
		"CHECKINGS  Account Two EUR", "balance -50.5 EUR 2019-04-02", "2019-02-27 BOOKED 1000.5 EUR transaction-information-2002",
		"CHECKINGS  Account Three EUR", "balance -20.2 EUR 2019-04-02",
	}
	if diff := cmp.Diff(want, r.told(t, present(token))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	r.wantAllPlayed(t, "registration.json")
	r = replayFortis(t, "missing-data")
	want = []string{
		"owner ", "CHECKINGS FR1420041010050500013M02606 Account One ", "balance -220.2  2019-04-02", "2019-02-27 BOOKED -12.25 EUR transaction-information-1001",
	}
	if diff := cmp.Diff(want, r.told(t, present(token))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	r.wantAllPlayed(t)
	for folder, kind := range map[string]bank.FailureKind{"accounts-401": bank.AccessLost, "accounts-403": bank.AccessLost, "accounts-500": bank.Unavailable} {
		r := replayFortis(t, folder)
		_, err := r.Accounts(t.Context(), present(token), "")
		if err == nil || bank.AsFailure(err).Kind != kind {
			t.Errorf("%s: %v", folder, err)
		}
	}
}
