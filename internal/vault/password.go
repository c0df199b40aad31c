package vault

import (
	"context"
	"fmt"
	"runtime"

	"github.com/alexedwards/argon2id"

	"github.com/oxlin/oxlin"
)

// passwordCost follows OWASP's recommendation for argon2id with 19 MiB.
var passwordCost = &argon2id.Params{Memory: 19 * 1024, Iterations: 2, Parallelism: 1, SaltLength: 16, KeyLength: 32}

// passwordSlots bounds the memory and processors that hashing uses; further calls wait.
var passwordSlots = make(chan struct{}, runtime.NumCPU())

func withPasswordSlot(ctx context.Context, hash func() error) error {
	select {
	case passwordSlots <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-passwordSlots }()
	err := ctx.Err() // both may have been ready; the caller is gone
	if err != nil {
		return err
	}
	return hash()
}

// HashPassword hashes a password with argon2id, slowly on purpose (tens of
// milliseconds). It waits for a slot until ctx is done.
func HashPassword(ctx context.Context, password oxlin.Secret) (string, error) {
	var hash string
	err := withPasswordSlot(ctx, func() error {
		var err error
		hash, err = argon2id.CreateHash(password.Reveal(), passwordCost)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("hash password: %w", err)
	}
	return hash, nil
}

// CheckPassword reports whether a password matches a hash. It takes as long as
// HashPassword for a right and for a wrong password.
func CheckPassword(ctx context.Context, hash string, password oxlin.Secret) (bool, error) {
	var same bool
	err := withPasswordSlot(ctx, func() error {
		var err error
		same, err = argon2id.ComparePasswordAndHash(password.Reveal(), hash)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("check password: %w", err)
	}
	return same, nil
}
