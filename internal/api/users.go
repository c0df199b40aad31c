package api

import (
	"context"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/api/oas"
)

// CreateUser makes a user of the client (contract §3.1).
func (a *API) CreateUser(ctx context.Context, request *oas.NewUser) (*oas.CreatedHeaders, error) {
	id, err := a.options.Users.Create(ctx, callerOf(ctx).Client, request.Email, oxlin.NewSecret(request.Password))
	if err != nil {
		return nil, err
	}
	return &oas.CreatedHeaders{Location: "/users/" + id.String()}, nil
}

// own returns an error unless a path names the caller's user; other users count as
// unknown.
func own(caller oxlin.Caller, userID string) error {
	if userID != "me" && userID != caller.UserID.String() {
		return oxlin.NotFound("user")
	}
	return nil
}

// GetUser shows the caller's user.
func (a *API) GetUser(ctx context.Context, params oas.GetUserParams) (*oas.User, error) {
	caller := callerOf(ctx)
	err := own(caller, params.UserID)
	if err != nil {
		return nil, err
	}
	found, err := a.options.Users.Get(ctx, caller)
	if err != nil {
		return nil, err
	}
	shown := user(found)
	return &shown, nil
}

// ChangeUser changes what is given of the caller's user.
func (a *API) ChangeUser(ctx context.Context, request *oas.UserChange, params oas.ChangeUserParams) error {
	caller := callerOf(ctx)
	err := own(caller, params.UserID)
	if err != nil {
		return err
	}
	if request.Password.Set {
		return oxlin.Invalid("password", "The password is changed by PUT /users/{user_id}/password.")
	}
	if email, ok := request.Email.Get(); ok {
		err := oxlin.CheckEmail(email)
		if err != nil {
			return err
		}
	}
	if birthdate, ok := request.Birthdate.Get(); ok && (birthdate < -2208988800 || int64(birthdate) > a.options.Now().Unix()) {
		return oxlin.Invalid("birthdate", "A birthdate is in seconds since 1970, from the year 1900 to today.")
	}
	return a.options.Users.Change(ctx, caller, func(changed *oxlin.User) {
		changed.Email = request.Email.Or(changed.Email)
		profile := &changed.Profile
		profile.FirstName = request.FirstName.Or(profile.FirstName)
		profile.LastName = request.LastName.Or(profile.LastName)
		profile.Gender = request.Gender.Or(profile.Gender)
		profile.Postcode = request.Address.Value.Postcode.Or(profile.Postcode)
		if birthdate, ok := request.Birthdate.Get(); ok {
			profile.Birthdate = dayAt(int64(birthdate))
		}
	})
}

// SetPassword sets the user's password (contract §12.13).
func (a *API) SetPassword(ctx context.Context, request *oas.NewPassword, params oas.SetPasswordParams) error {
	caller := callerOf(ctx)
	err := own(caller, params.UserID)
	if err != nil {
		return err
	}
	return a.options.Auth.SetPassword(ctx, caller, oxlin.NewSecret(request.Password), oxlin.NewSecret(request.CurrentPassword.Value))
}

// EndSessions ends the sign-ins of the user (contract §12.13).
func (a *API) EndSessions(ctx context.Context, params oas.EndSessionsParams) error {
	caller := callerOf(ctx)
	err := own(caller, params.UserID)
	if err != nil {
		return err
	}
	return a.options.Auth.EndSignIns(ctx, caller)
}

// PutUser does what ChangeUser does.
func (a *API) PutUser(ctx context.Context, request *oas.UserChange, params oas.PutUserParams) error {
	return a.ChangeUser(ctx, request, oas.ChangeUserParams(params))
}

// DeleteUser removes the caller's user with everything that is theirs.
func (a *API) DeleteUser(ctx context.Context, params oas.DeleteUserParams) error {
	caller := callerOf(ctx)
	err := own(caller, params.UserID)
	if err != nil {
		return err
	}
	return a.options.Users.Delete(ctx, caller)
}
