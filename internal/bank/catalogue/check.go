package catalogue

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/oxlin/oxlin"
)

// checkTime limits the contact with one server.
const checkTime = 15 * time.Second

// Contact holds the outcome of one call to a server of a bank. Any answer shows that the server is
// there and takes our certificate: without a token, most refuse the request itself.
type Contact struct {
	Definition oxlin.ChannelDefinitionID
	// Name is the member of the provider file that holds the address.
	Name    string
	Address string
	// Status is the HTTP status; 0 without an answer.
	Status int
	// TLS is the version of the connection, and Until the end of the bank's certificate.
	TLS   string
	Until time.Time
	// Err is why no answer came.
	Err error
}

// Check calls each server of a provider once, with our certificate and without a token. It
// fails with ErrUnknown if the catalogue does not have the provider.
func (c *Catalogue) Check(ctx context.Context, id oxlin.ProviderID) ([]Contact, error) {
	provider, ok := c.Provider(id)
	if !ok {
		return nil, fmt.Errorf("provider %s: %w", id, ErrUnknown)
	}
	var contacts []Contact
	for _, definition := range provider.ChannelDefinitions {
		of := c.servers[definitionKey{id, definition.ID}]
		for _, address := range of.addresses {
			contact := Contact{Definition: definition.ID, Name: address.Name, Address: address.URL}
			of.call(ctx, &contact)
			contacts = append(contacts, contact)
		}
	}
	return contacts, nil
}

// errIncomplete is why an address that lacks a setting is not called.
var errIncomplete = errors.New("the address is not complete without the missing settings")

// call fills in what comes of one call.
func (s servers) call(ctx context.Context, contact *Contact) {
	address, err := url.Parse(contact.Address)
	if err != nil || address.Host == "" {
		contact.Err = errIncomplete
		return
	}
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address.String(), nil)
	if err != nil {
		contact.Err = errIncomplete
		return
	}
	response, err := s.transport.RoundTrip(request)
	if err != nil {
		contact.Err = plainly(err)
		return
	}
	defer response.Body.Close()
	_, err = io.CopyN(io.Discard, response.Body, 1<<16)
	if err != nil && !errors.Is(err, io.EOF) {
		contact.Err = plainly(err)
	}
	contact.Status = response.StatusCode
	if response.TLS != nil {
		contact.TLS, contact.Until = tls.VersionName(response.TLS.Version), response.TLS.PeerCertificates[0].NotAfter
	}
}

// plainly says in an operator's words why a server was not reached.
func plainly(err error) error {
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("no answer within %s", checkTime)
	case errors.As(err, &unknown):
		return errors.New("the server's certificate is from an authority that this machine does not know")
	case errors.As(err, &name):
		return errors.New("the server's certificate is for another name")
	case errors.As(err, &invalid):
		return fmt.Errorf("the server's certificate is not valid: %w", err)
	}
	var alert tls.AlertError
	if errors.As(err, &alert) {
		return fmt.Errorf("the server ends the TLS handshake (%w): it may not take our certificate", err)
	}
	return err
}
