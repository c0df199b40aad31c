package console

import (
	"net/http"
	"strings"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/auth"
)

// usersOnPage is how many users of a client are listed, the newest; others are found
// by their e-mail.
const usersOnPage = 100

// clientPage is a client with its users.
type clientPage struct {
	Client oxlin.Client
	Users  []oxlin.User
	Count  int64
	// Email is what was looked for.
	Email string
	// Secret is a new one, shown once.
	Secret oxlin.Secret
	// Problem is what is wrong in the form, in its field.
	Problem *oxlin.Error
}

func (c *Console) clients(w http.ResponseWriter, r *http.Request) error {
	clients, err := c.DB.Read().Clients(r.Context())
	if err != nil {
		return err
	}
	c.render(w, r, http.StatusOK, clientList(clients, auth.NewClient{}, nil))
	return nil
}

func (c *Console) createClient(w http.ResponseWriter, r *http.Request) error {
	asked := auth.NewClient{
		Name: strings.TrimSpace(r.PostFormValue("name")), RedirectURIs: strings.Fields(r.PostFormValue("redirect_uris")),
		Licensed: r.PostFormValue("licensed") != "",
	}
	err := checkName(asked.Name)
	if err == nil {
		var client oxlin.Client
		var secret oxlin.Secret
		client, secret, err = c.Clients.CreateClient(r.Context(), asked)
		if err == nil {
			return c.showClient(w, r, http.StatusCreated, clientPage{Client: client, Secret: secret})
		}
	}
	shown, ok := asInvalid(err)
	if !ok {
		return err
	}
	clients, err := c.DB.Read().Clients(r.Context())
	if err != nil {
		return err
	}
	c.render(w, r, http.StatusUnprocessableEntity, clientList(clients, asked, shown))
	return nil
}

func checkName(name string) error {
	if name == "" || len(name) > 200 {
		return oxlin.Invalid("name", "A name has 1 to 200 bytes: users see it in the widget.")
	}
	return nil
}

func (c *Console) client(w http.ResponseWriter, r *http.Request) error {
	client, err := c.DB.Read().Client(r.Context(), oxlin.ClientID(r.PathValue("id")))
	if err != nil {
		return err
	}
	return c.showClient(w, r, http.StatusOK, clientPage{Client: client, Email: r.FormValue("email")})
}

// showClient completes the page of a client and writes it.
func (c *Console) showClient(w http.ResponseWriter, r *http.Request, status int, page clientPage) error {
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
		if oxlin.IsNotFound(err) {
			err = nil
		}
	}
	if err != nil {
		return err
	}
	c.render(w, r, status, clientDetails(page))
	return nil
}

func (c *Console) changeClient(w http.ResponseWriter, r *http.Request) error {
	client, err := c.DB.Read().Client(r.Context(), oxlin.ClientID(r.PathValue("id")))
	if err != nil {
		return err
	}
	client.Name = strings.TrimSpace(r.PostFormValue("name"))
	client.RedirectURIs = strings.Fields(r.PostFormValue("redirect_uris"))
	client.Licensed = r.PostFormValue("licensed") != ""
	client.Theme = oxlin.Theme{
		Font: r.PostFormValue("font"), FontColor: r.PostFormValue("font_color"), ElementsColor: r.PostFormValue("elements_color"),
	}
	err = checkName(client.Name)
	if err == nil {
		err = client.Theme.Check()
	}
	if err == nil {
		err = c.Clients.ChangeClient(r.Context(), client)
	}
	if shown, ok := asInvalid(err); ok {
		return c.showClient(w, r, http.StatusUnprocessableEntity, clientPage{Client: client, Problem: shown})
	}
	if err != nil {
		return err
	}
	c.Log.InfoContext(r.Context(), "client changed in the console", "client", client.ID)
	return redirect(w, "/console/clients/"+string(client.ID))
}

func (c *Console) rotate(w http.ResponseWriter, r *http.Request) error {
	id := oxlin.ClientID(r.PathValue("id"))
	secret, err := c.Clients.RotateSecret(r.Context(), id)
	if err != nil {
		return err
	}
	c.Log.InfoContext(r.Context(), "secret rotated in the console", "client", id)
	client, err := c.DB.Read().Client(r.Context(), id)
	if err != nil {
		return err
	}
	return c.showClient(w, r, http.StatusOK, clientPage{Client: client, Secret: secret})
}
