package testbank

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"strings"
)

// customer is a login with the file that it was opened with. The file is a snapshot: a
// changed file takes effect at the next login or on the next day.
type customer struct {
	Login   string `json:"Login"`
	URL     string `json:"URL,omitempty"` // where the file came from; empty is the bank's own file
	Anchor  Day    `json:"Anchor"`        // the day of the first login, the origin of symbolic dates
	Fetched Day    `json:"Fetched"`
	Text    string `json:"Text,omitempty"`
	// Accepted records that the customer accepted a scenario's new terms on a web site.
	// TimedOut is the day on which a session of theirs last ended early.
	Accepted bool `json:"Accepted,omitempty"`
	TimedOut Day  `json:"TimedOut,omitempty"`
	// Syncs lists the days of the synchronisations to which a scenario added a row.
	Syncs []Day `json:"Syncs,omitempty"`

	file *File
}

// key identifies a customer: the same login with another file is another customer.
func (c *customer) key() string { return customerKey(c.Login, c.URL) }

func customerKey(login, url string) string { return login + "\n" + url }

// ownerName returns the form of the customer's name that the pages address.
func (c *customer) ownerName() string {
	if c.file.OwnerName != "" {
		return c.file.OwnerName
	}
	if o := c.file.Owner; o.LastName != "" {
		return strings.TrimSpace(o.FirstName + " " + o.LastName)
	}
	return strings.ToUpper(c.file.Login)
}

// code is the SMS code that this customer receives.
func (c *customer) code() string {
	if c.file.Code != "" {
		return c.file.Code
	}
	return "123456"
}

// phone returns the number that receives the SMS.
func (c *customer) phone() string { return orDefault(c.file.SMSPhone, "0606060606") }

// errBadLogin reports a login or password that the file does not contain.
var errBadLogin = errors.New("identifiant ou mot de passe incorrect")

// login opens the customer: it fetches the file if the login names one, compares the
// credentials and keeps the snapshot.
func (b *Bank) login(ctx context.Context, login, password, location string) (customer, error) {
	login = strings.TrimSpace(login)
	location = strings.TrimSpace(location)
	text, file := defaultFile, b.standard
	if location != "" {
		var err error
		if text, file, err = b.files.fetch(ctx, location); err != nil {
			return customer{}, err
		}
	}
	base, names := splitLogin(login)
	known := file.Login == base || file.Login == login
	for _, s := range names {
		if _, _, ok := parseScenario(s); !ok && file.Login != login {
			known = false // an unknown scenario makes the login unknown
		}
	}
	right := subtle.ConstantTimeCompare([]byte(password), []byte(file.Password)) == 1
	if !known || !right {
		return customer{}, errBadLogin
	}

	b.mu.Lock()
	defer b.mu.Unlock()
	today := b.today()
	c, seen := b.state.Customers[customerKey(login, location)]
	if !seen {
		c = &customer{Login: login, URL: location, Anchor: today}
	}
	next := *c
	next.Fetched, next.file = today, file
	if location != "" {
		next.Text = text
	}
	b.state.Customers[next.key()] = &next
	b.changed()
	return next, nil
}

// refresh fetches a customer's file again, once a day. If the location fails, the bank
// keeps the snapshot.
func (b *Bank) refresh(ctx context.Context, key string) {
	b.mu.Lock()
	c, ok := b.state.Customers[key]
	today := b.today()
	if !ok || c.URL == "" || c.Fetched == today {
		b.mu.Unlock()
		return
	}
	claimed := *c
	claimed.Fetched = today // one attempt a day, whatever its outcome
	b.state.Customers[key] = &claimed
	b.changed()
	b.mu.Unlock()

	text, file, err := b.files.fetch(ctx, claimed.URL)
	if err != nil {
		b.log.Warn("test-bank file not refreshed", "error", err.Error())
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if now, ok := b.state.Customers[key]; ok {
		next := *now
		next.Text, next.file = text, file
		b.state.Customers[key] = &next
		b.changed()
	}
}

// load parses the snapshot again after a restart.
func (c *customer) load(standard *File) error {
	if c.URL == "" {
		c.file = standard
		return nil
	}
	f, err := ParseFile(c.Text)
	if err != nil {
		return fmt.Errorf("customer %q: %w", c.Login, err)
	}
	c.file = f
	return nil
}
