package oxlin_test

import (
	"testing"

	"github.com/oxlin/oxlin"
)

func TestAPendingAccountIsNamedWithoutItsHolders(t *testing.T) {
	for _, row := range []struct{ name, account, connection, want string }{
		{"COMPTE COURANT", "", "JEAN DUPONT", "COMPTE COURANT"},
		{"Compte  de dépôt", "", "Jean Dupont", "Compte  de dépôt"},
		{"COMPTE CHEQUE M DUPONT JEAN", "", "JEAN DUPONT", "COMPTE CHEQUE"},
		{"COMPTE CHEQUE DUPONT JEAN", "", "M. Jean Dupont", "COMPTE CHEQUE"},
		{"COMPTE DE HÉLÈNE", "MME HELENE NOEL", "", "COMPTE"},
		{"Compte Helene Noel", "", "Hélène NOËL", "Compte"},
		{"LIVRET A", "", "A MARTIN", "LIVRET A"},
		{"LIVRET A MARTIN P.", "", "PAUL MARTIN", "LIVRET A"},
		{"LIVRET A M OU MME PAUL MARTIN", "", "PAUL MARTIN", "LIVRET A"},
		{"M. OU MME PAUL MARTIN COMPTE JOINT", "", "PAUL MARTIN", "COMPTE JOINT"},
		{"COMPTE JOINT M. et Mme Martin", "", "", "COMPTE JOINT"},
		{"COMPTE DE MME ANNE DURAND", "", "PAUL MARTIN", "COMPTE"},
		{"COMPTE DUPONT-MARTIN", "", "Anne Dupont-Martin", "COMPTE"},
		{"CPT-MARTIN", "", "Anne Martin", "CPT"},
		{"COMPTE CHEQUE M MARTI", "", "PAUL MARTIN", "COMPTE CHEQUE"},
		{"COMPTE J DUPONT 01", "", "JEAN DUPONT", "COMPTE 01"},
		{"JEAN DUPONT", "", "JEAN DUPONT", ""},
		{"Compte M", "", "JEAN DUPONT", "Compte M"},
		{"COMPTE DE JEAN DE LA TOUR", "", "JEAN DE LA TOUR", "COMPTE"},
		{"", "", "JEAN DUPONT", ""},
	} {
		account := oxlin.Account{Name: row.name, OwnerName: row.account, Status: oxlin.AccountPendingConsent}
		shown := account.BeforeConsent(row.connection)
		if shown.Name != row.want || shown.OwnerName != "" {
			t.Errorf("%q of %q and %q is shown as %q of %q; want %q", row.name, row.account, row.connection, shown.Name, shown.OwnerName, row.want)
		}
		if again := shown.BeforeConsent(row.connection); again.Name != shown.Name {
			t.Errorf("%q becomes %q the second time", shown.Name, again.Name)
		}
	}
}

func TestAConnectionListsWhatItsUserHasConsentedTo(t *testing.T) {
	connection := oxlin.Connection{
		UnsharedOwner: oxlin.Owner{Name: "JEAN DUPONT"},
		Channels:      []oxlin.Channel{{DefinitionID: "asks", AskedIn: 7}, {DefinitionID: "quiet"}},
	}
	full := oxlin.Account{Name: "COMPTE DUPONT", OwnerName: "M DUPONT", Usage: oxlin.UsagePersonal, CoveredUntil: oxlin.NewDate(2026, 11, 1)}
	for _, row := range []struct {
		fact     string
		status   oxlin.AccountStatus
		declined bool
		channel  oxlin.ChannelDefinitionID
		listed   bool
		name     string
	}{
		{"a page of ours asks", oxlin.AccountPendingConsent, false, "asks", false, ""},
		{"the client asks", oxlin.AccountPendingConsent, false, "quiet", true, "COMPTE"},
		{"the user declined it", oxlin.AccountPendingConsent, true, "quiet", false, ""},
		{"a renewal asks for another account", oxlin.AccountActive, false, "asks", true, "COMPTE DUPONT"},
		{"it waits for a validation", oxlin.AccountSuspended, false, "asks", true, "COMPTE DUPONT"},
	} {
		account := full
		account.Status, account.Declined, account.LastChannelDefinition = row.status, row.declined, row.channel
		shown, listed := connection.Listed(account)
		if listed != row.listed || connection.Hides(account) == row.listed {
			t.Errorf("%s: listed %t, hidden %t", row.fact, listed, connection.Hides(account))
			continue
		}
		if listed && shown.Name != row.name {
			t.Errorf("%s: it is named %q, want %q", row.fact, shown.Name, row.name)
		}
		if listed && row.status == oxlin.AccountPendingConsent && (shown.OwnerName != "" || shown.Usage != "" || !shown.CoveredUntil.IsZero()) {
			t.Errorf("%s: it shows more than contract §11 says: %+v", row.fact, shown)
		}
	}
}
