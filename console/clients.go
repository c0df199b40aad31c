package console

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/auth"
	"github.com/oxlin/oxlin/vault"
)

// usersOnPage is how many users of a client are listed, the newest; others are found
// by their e-mail.
const usersOnPage = 50

// clientPage is a client with its users.
type clientPage struct {
	Client oxlin.Client
	// Form is what the form shows: the client, or what was typed and refused.
	Form oxlin.Client
	// Problem is what is wrong in the form, in its field.
	Problem *oxlin.Error
	Users   []oxlin.User
	Count   int64
	// Email is what was looked for.
	Email string
	// Secret is a new one, shown once.
	Secret oxlin.Secret
	// SettingsMark and SecretMark are what the forms were drawn for; see mark.
	SettingsMark, SecretMark string
	// Saved says that the settings have just been stored.
	Saved bool
	// Late says what was not done, for the form was of an earlier state.
	Late string
}

func (c *Console) clients(w http.ResponseWriter, r *http.Request) error {
	return c.showClients(w, r, http.StatusOK, auth.NewClient{}, nil)
}

// showClients writes the list of clients, and what was asked for and refused.
func (c *Console) showClients(w http.ResponseWriter, r *http.Request, status int, asked auth.NewClient, wrong *oxlin.Error) error {
	clients, err := c.DB.Read().Clients(r.Context())
	if err != nil {
		return err
	}
	form, err := vault.NewSessionID(c.Rand)
	if err != nil {
		return err
	}
	c.render(w, r, status, "Clients", clientList(clients, form.Reveal(), asked, wrong))
	return nil
}

// createClient makes one client of a form, whose id the form decides: sent twice, by a
// double click or a reload, it would make a second one.
func (c *Console) createClient(w http.ResponseWriter, r *http.Request) error {
	form := r.PostFormValue("form")
	if form == "" {
		return oxlin.Invalid("", "This cannot be read.")
	}
	asked := auth.NewClient{
		ID:   oxlin.ClientID(hex.EncodeToString(c.Vault.MAC([]byte("console new client\x00" + form))[:10])),
		Name: strings.TrimSpace(r.PostFormValue("name")), RedirectURIs: strings.Fields(r.PostFormValue("redirect_uris")),
		WebhookURL: strings.TrimSpace(r.PostFormValue("webhook_url")),
		Licensed:   r.PostFormValue("licensed") != "", Public: r.PostFormValue("public") != "",
	}
	c.changing.Lock()
	defer c.changing.Unlock()
	client, secret, err := c.Clients.CreateClient(r.Context(), asked)
	if err != nil && oxlin.AsError(err).Code == oxlin.CodeConflict {
		client, err = c.DB.Read().Client(r.Context(), asked.ID)
		if err != nil {
			return err
		}
		return c.showClient(w, r, http.StatusConflict, clientPage{
			Client: client, Late: "Nothing was created: the form had made this client already. If nobody has kept its secret, rotate it.",
		})
	}
	if shown, ok := asInvalid(err); ok {
		return c.showClients(w, r, http.StatusUnprocessableEntity, asked, shown)
	}
	if err != nil {
		return err
	}
	c.Log.InfoContext(r.Context(), "client created in the console", "client", client.ID)
	return c.showClient(w, r, http.StatusCreated, clientPage{Client: client, Secret: secret})
}

func (c *Console) client(w http.ResponseWriter, r *http.Request) error {
	client, err := c.clientOf(r)
	if err != nil {
		return err
	}
	return c.showClient(w, r, http.StatusOK, clientPage{
		Client: client, Email: strings.TrimSpace(r.FormValue("email")), Saved: r.Form.Has("saved"),
	})
}

func (c *Console) clientOf(r *http.Request) (oxlin.Client, error) {
	return c.DB.Read().Client(r.Context(), oxlin.ClientID(r.PathValue("id")))
}

// showClient completes the page of a client and writes it.
func (c *Console) showClient(w http.ResponseWriter, r *http.Request, status int, page clientPage) error {
	if page.Problem == nil {
		page.Form = page.Client
	}
	page.SettingsMark, page.SecretMark = c.mark(page.Client.ID, settings(page.Client)), c.mark(page.Client.ID, validSecrets(page.Client))
	reader := c.DB.Read()
	var err error
	page.Count, err = reader.CountUsers(r.Context(), page.Client.ID)
	if err != nil {
		return err
	}
	if page.Email == "" {
		page.Users, err = reader.UsersOfClient(r.Context(), page.Client.ID, usersOnPage)
	} else {
		var user oxlin.User
		user, err = reader.UserByEmail(r.Context(), page.Client.ID, page.Email)
		if err == nil {
			page.Users = []oxlin.User{user}
		}
	}
	if err != nil && !oxlin.IsNotFound(err) {
		return err
	}
	c.render(w, r, status, page.Client.Name, clientDetails(page))
	return nil
}

// changeClient stores the settings if they are still those for which the form was
// drawn: an old tab would take back what another has changed.
func (c *Console) changeClient(w http.ResponseWriter, r *http.Request) error {
	c.changing.Lock()
	defer c.changing.Unlock()
	client, err := c.clientOf(r)
	if err != nil {
		return err
	}
	changed := client
	changed.Name = strings.TrimSpace(r.PostFormValue("name"))
	changed.RedirectURIs = strings.Fields(r.PostFormValue("redirect_uris"))
	changed.WebhookURL = strings.TrimSpace(r.PostFormValue("webhook_url"))
	changed.Licensed = r.PostFormValue("licensed") != ""
	changed.Theme = oxlin.Theme{
		Font:          strings.TrimSpace(r.PostFormValue("font")),
		FontColor:     strings.TrimSpace(r.PostFormValue("font_color")),
		ElementsColor: strings.TrimSpace(r.PostFormValue("elements_color")),
	}
	saved := address("clients", string(client.ID)) + "?saved"
	if settings(changed) == settings(client) {
		return redirect(w, saved) // sent twice, it has been stored before
	}
	if r.PostFormValue("mark") != c.mark(client.ID, settings(client)) {
		return c.showClient(w, r, http.StatusConflict, clientPage{
			Client: client, Late: "Nothing was saved: the settings have been changed since that page was shown. These are the present ones: make your change again.",
		})
	}
	err = c.Clients.ChangeClient(r.Context(), changed)
	if shown, ok := asInvalid(err); ok {
		return c.showClient(w, r, http.StatusUnprocessableEntity, clientPage{Client: client, Form: changed, Problem: shown})
	}
	if err != nil {
		return err
	}
	c.Log.InfoContext(r.Context(), "client changed in the console", "client", client.ID)
	return redirect(w, saved)
}

// mark recognises what of a client a form was drawn for, and tells nothing of it.
func (c *Console) mark(id oxlin.ClientID, part string) string {
	return base64.RawURLEncoding.EncodeToString(c.Vault.MAC([]byte("console form\x00" + string(id) + "\x00" + part)))
}

// settings are what changeClient may change.
func settings(client oxlin.Client) string {
	return fmt.Sprintf("settings %q %q %q %t %q", client.Name, client.RedirectURIs, client.WebhookURL, client.Licensed, client.Theme)
}

// validSecrets are what rotate changes.
func validSecrets(client oxlin.Client) string { return fmt.Sprintf("secrets %x", client.SecretHashes) }

// rotate replaces the secret for which the form was drawn, and no other: sent twice,
// by a double click or a reload, it would end the secret that the client still uses.
func (c *Console) rotate(w http.ResponseWriter, r *http.Request) error {
	c.changing.Lock()
	defer c.changing.Unlock()
	client, err := c.clientOf(r)
	if err != nil {
		return err
	}
	if r.PostFormValue("mark") != c.mark(client.ID, validSecrets(client)) {
		return c.showClient(w, r, http.StatusConflict, clientPage{
			Client: client, Late: "Nothing was rotated: the secret has been rotated since that page was shown. If nobody has kept the new one, rotate again; the one before it ends then.",
		})
	}
	secret, err := c.Clients.RotateSecret(r.Context(), client.ID)
	if err != nil {
		return err
	}
	c.Log.InfoContext(r.Context(), "secret rotated in the console", "client", client.ID)
	client, err = c.clientOf(r)
	if err != nil {
		return err
	}
	return c.showClient(w, r, http.StatusOK, clientPage{Client: client, Secret: secret})
}
