package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"text/tabwriter"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/operator"
	"github.com/oxlin/oxlin/internal/store"
)

type operatorCommands struct {
	Add     *addOperator     `arg:"subcommand:add" help:"Add an operator of the console and print the password, which is never shown again."`
	List    *listOperators   `arg:"subcommand:list" help:"List the operators."`
	Role    *setRole         `arg:"subcommand:role" help:"Change what an operator may do."`
	Disable *disableOperator `arg:"subcommand:disable" help:"Keep an operator out, and end their sessions at once."`
	Enable  *enableOperator  `arg:"subcommand:enable" help:"Let a disabled operator in again."`
	Reset   *resetOperator   `arg:"subcommand:reset" help:"Give an operator a new password and take the second factor away; the next login sets up another one."`
}

// withOperators opens the database for one command about operators that makes no password.
func (f databaseFlags) withOperators(ctx context.Context, do func(*operator.Operators) error) error {
	return f.withFirstPasswords(ctx, firstPasswordFlags{FirstPasswordHours: 1}, do)
}

// withFirstPasswords opens the database for one command about operators.
func (f databaseFlags) withFirstPasswords(ctx context.Context, first firstPasswordFlags, do func(*operator.Operators) error) error {
	life, err := first.life()
	if err != nil {
		return err
	}
	db, err := f.open(ctx, store.Options{Sandbox: true})
	if err != nil {
		return err
	}
	defer db.Close()
	v, err := f.vault(ctx, db)
	if err != nil {
		return err
	}
	return do(operator.New(operator.Options{DB: db, Audit: newAudit(db, v), Vault: v, Now: time.Now, Rand: rand.Reader, FirstPassword: life}))
}

// who names an operator.
type who struct {
	databaseFlags
	Name string `arg:"positional,required" help:"The operator's name." placeholder:"NAME"`
}

// firstPasswordFlags bound a password that its operator has not chosen.
type firstPasswordFlags struct {
	FirstPasswordHours int `arg:"--first-password-hours,env:OXLIN_FIRST_PASSWORD_HOURS" help:"How many hours a first password of an operator works; the first login replaces it." default:"24"`
}

// life returns how long a first password works.
func (f firstPasswordFlags) life() (time.Duration, error) {
	if f.FirstPasswordHours < 1 || f.FirstPasswordHours > 24*365 {
		return 0, errors.New("--first-password-hours is from 1 to 8760")
	}
	return time.Duration(f.FirstPasswordHours) * time.Hour, nil
}

// print prints a first password.
func (f firstPasswordFlags) print(password oxlin.Secret) {
	fmt.Printf("password  %s\n", password.Reveal())
	fmt.Printf("it ends in %d hours; the first login replaces it by one that the operator chooses\n", f.FirstPasswordHours)
}

type addOperator struct {
	who
	firstPasswordFlags
	Role operator.Role `arg:"--role,env:OXLIN_ROLE" help:"What they may do: read, support or admin." default:"read"`
}

// Run prints the new operator's password.
func (c addOperator) Run(ctx context.Context) error {
	return c.withFirstPasswords(ctx, c.firstPasswordFlags, func(operators *operator.Operators) error {
		before, err := operators.List(ctx)
		if err != nil {
			return err
		}
		password, err := operators.Add(ctx, c.Name, c.Role)
		if err != nil {
			return err
		}
		c.print(password)
		if len(before) == 0 {
			fmt.Println("this is the first operator: restart the platform to open its console")
		}
		return nil
	})
}

type listOperators struct{ databaseFlags }

// Run prints a line for each operator.
func (c listOperators) Run(ctx context.Context) error {
	db, err := c.open(ctx, store.Options{Sandbox: true})
	if err != nil {
		return err
	}
	defer db.Close()
	operators, err := store.OperatorsIn(db.Read()).List(ctx)
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprint(table, "NAME\tROLE\tSTATE\tPASSWORD\tSECOND FACTOR\tSINCE\n")
	for _, one := range operators {
		state, factor := "enabled", "none"
		if one.Disabled {
			state = "disabled"
		}
		if one.TOTPKey != nil {
			factor = "app"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", one.Name, one.Role, state, passwordState(one), factor, one.CreatedAt.Format(time.DateOnly))
	}
	return table.Flush()
}

// passwordState tells whose choice an operator's password is.
func passwordState(one store.Operator) string {
	switch {
	case !operator.HasFirstPassword(one):
		return "their own"
	case time.Now().Before(one.PasswordUntil):
		return "first, until " + one.PasswordUntil.Format("2006-01-02 15:04")
	}
	return "first, ended"
}

type setRole struct {
	who
	Role operator.Role `arg:"positional,required" help:"What they may do: read, support or admin." placeholder:"ROLE"`
}

// Run changes the role.
func (c setRole) Run(ctx context.Context) error {
	return c.withOperators(ctx, func(operators *operator.Operators) error { return operators.SetRole(ctx, c.Name, c.Role) })
}

type disableOperator struct{ who }

// Run disables the operator.
func (c disableOperator) Run(ctx context.Context) error {
	return c.withOperators(ctx, func(operators *operator.Operators) error { return operators.SetDisabled(ctx, c.Name, true) })
}

type enableOperator struct{ who }

// Run ends what disable began.
func (c enableOperator) Run(ctx context.Context) error {
	return c.withOperators(ctx, func(operators *operator.Operators) error { return operators.SetDisabled(ctx, c.Name, false) })
}

type resetOperator struct {
	who
	firstPasswordFlags
}

// Run prints the new password.
func (c resetOperator) Run(ctx context.Context) error {
	return c.withFirstPasswords(ctx, c.firstPasswordFlags, func(operators *operator.Operators) error {
		password, err := operators.Reset(ctx, c.Name)
		if err != nil {
			return err
		}
		c.print(password)
		return nil
	})
}
