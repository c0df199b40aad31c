package directory

// LimitSweep bounds the users that one sweep removes.
func (u *Users) LimitSweep(users int) { u.deletedUsers = users }
