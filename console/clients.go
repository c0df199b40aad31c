package console

import (
	"encoding/base64"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/auth"
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
	// Mark is that of the present secret; see mark.
	Mark string
	// Late says that nothing was rotated, for the form was of an earlier secret.
	Late bool
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
	c.render(w, r, status, "Clients", clientList(clients, asked, wrong))
	return nil
}

func (c *Console) createClient(w http.ResponseWriter, r *http.Request) error {
	asked := auth.NewClient{
		Name: strings.TrimSpace(r.PostFormValue("name")), RedirectURIs: strings.Fields(r.PostFormValue("redirect_uris")),
		WebhookURL: strings.TrimSpace(r.PostFormValue("webhook_url")),
		Licensed:   r.PostFormValue("licensed") != "", Public: r.PostFormValue("public") != "",
	}
	var client oxlin.Client
	var secret oxlin.Secret
	err := checkName(asked.Name)
	if err == nil {
		client, secret, err = c.Clients.CreateClient(r.Context(), asked)
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

func checkName(name string) error {
	if name == "" || utf8.RuneCountInString(name) > 200 {
		return oxlin.Invalid("name", "A name has 1 to 200 characters.")
	}
	return nil
}

func (c *Console) client(w http.ResponseWriter, r *http.Request) error {
	client, err := c.clientOf(r)
	if err != nil {
		return err
	}
	return c.showClient(w, r, http.StatusOK, clientPage{Client: client, Email: strings.TrimSpace(r.FormValue("email"))})
}

func (c *Console) clientOf(r *http.Request) (oxlin.Client, error) {
	return c.DB.Read().Client(r.Context(), oxlin.ClientID(r.PathValue("id")))
}

// showClient completes the page of a client and writes it.
func (c *Console) showClient(w http.ResponseWriter, r *http.Request, status int, page clientPage) error {
	if page.Problem == nil {
		page.Form = page.Client
	}
	page.Mark = c.mark(page.Client)
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

func (c *Console) changeClient(w http.ResponseWriter, r *http.Request) error {
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
	err = checkName(changed.Name)
	if err == nil {
		err = changed.Theme.Check()
	}
	if err == nil {
		err = c.Clients.ChangeClient(r.Context(), changed)
	}
	if shown, ok := asInvalid(err); ok {
		return c.showClient(w, r, http.StatusUnprocessableEntity, clientPage{Client: client, Form: changed, Problem: shown})
	}
	if err != nil {
		return err
	}
	c.Log.InfoContext(r.Context(), "client changed in the console", "client", client.ID)
	return redirect(w, address("clients", string(client.ID)))
}

// mark recognises a client's newest secret, and tells nothing of it.
func (c *Console) mark(client oxlin.Client) string {
	if len(client.SecretHashes) == 0 {
		return ""
	}
	mac := c.Vault.MAC(append([]byte("console rotation\x00"+client.ID+"\x00"), client.SecretHashes[0]...))
	return base64.RawURLEncoding.EncodeToString(mac)
}

// rotate replaces the secret for which the form was drawn, and no other: sent twice,
// by a double click or a reload, it would end the secret that the client still uses.
func (c *Console) rotate(w http.ResponseWriter, r *http.Request) error {
	c.rotating.Lock()
	defer c.rotating.Unlock()
	client, err := c.clientOf(r)
	if err != nil {
		return err
	}
	if r.PostFormValue("mark") != c.mark(client) {
		return c.showClient(w, r, http.StatusConflict, clientPage{Client: client, Late: true})
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
