package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/user"
	"slices"
	"strconv"
	"time"

	"github.com/oxlin/oxlin/internal/keeper"
	"github.com/oxlin/oxlin/internal/vault"
)

// keyFlags name the source of the master key.
type keyFlags struct {
	MasterKeySocket  filePath   `arg:"--master-key-socket,env:OXLIN_MASTER_KEY_SOCKET" help:"The socket of oxlin keeper, a process of another user that holds the master key in place of this one." placeholder:"PATH"`
	MasterKeyFile    filePath   `arg:"--master-key-file,env:OXLIN_MASTER_KEY_FILE" help:"The file of the master key: master.key in the data directory unless given. Keep it where no backup of the database takes it along." placeholder:"FILE"`
	MasterKeyCommand string     `arg:"--master-key-command,env:OXLIN_MASTER_KEY_COMMAND" help:"A command that prints the master key: the client of a key management service." placeholder:"COMMAND"`
	MasterKey        secretFlag `arg:"--master-key,env:OXLIN_MASTER_KEY" help:"The key that seals secrets at rest, in place of its file. Give it by the environment." placeholder:"KEY"`
}

type keeperCommand struct {
	keyFlags
	AllowUser  wordList `arg:"--allow-user,env:OXLIN_ALLOW_USER" help:"A user, by name or number, whose processes may use the key; may be repeated. Without --allow-user and --allow-group it is the keeper's own." placeholder:"USER"`
	AllowGroup wordList `arg:"--allow-group,env:OXLIN_ALLOW_GROUP" help:"The same for processes whose first group is this one. The socket belongs to the first group named." placeholder:"GROUP"`
	OpenLimit  int      `arg:"--open-limit,env:OXLIN_OPEN_LIMIT" help:"How many sealed values a second may be opened, ten times as many at once; 0 for no limit."`
	MakeKey    bool     `arg:"--make-key,env:OXLIN_MAKE_KEY" help:"Make the key file if it does not exist: for a new database alone."`
}

// Run answers over the socket until the process is signalled to stop.
func (c keeperCommand) Run(ctx context.Context) error {
	options, err := c.options()
	if err != nil {
		return err
	}
	listener, err := keeper.Listen(string(c.MasterKeySocket), c.mode(), c.group(options.Groups))
	if err != nil {
		return fmt.Errorf("keeper: %w", err)
	}
	names, err := options.Master.Names()
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	slog.Info("the keeper listens", "socket", c.MasterKeySocket, "users", options.Users, "groups", options.Groups, "key", names.Sealing)
	fmt.Println("keeper    ", c.MasterKeySocket)
	return keeper.New(options).Serve(ctx, listener)
}

func (c keeperCommand) options() (options keeper.Options, err error) {
	if c.MasterKeySocket == "" {
		return options, errors.New("--master-key-socket: name the socket at which the keeper listens")
	}
	if c.MasterKeyFile == "" && c.MasterKeyCommand == "" && c.MasterKey.IsZero() {
		return options, errors.New("name the master key by --master-key-file, --master-key-command or OXLIN_MASTER_KEY")
	}
	if c.OpenLimit < 0 || c.OpenLimit > 1_000_000 {
		return options, errors.New("--open-limit: want 0 to 1000000")
	}
	options = keeper.Options{Opens: c.OpenLimit, Now: time.Now, Log: slog.Default().With("part", "keeper")}
	options.Users, err = numbers(c.AllowUser, func(name string) (string, error) {
		found, err := user.Lookup(name)
		if err != nil {
			return "", err
		}
		return found.Uid, nil
	})
	if err != nil {
		return options, fmt.Errorf("--allow-user: %w", err)
	}
	options.Groups, err = numbers(c.AllowGroup, func(name string) (string, error) {
		found, err := user.LookupGroup(name)
		if err != nil {
			return "", err
		}
		return found.Gid, nil
	})
	if err != nil {
		return options, fmt.Errorf("--allow-group: %w", err)
	}
	own := uint32(os.Geteuid())
	if !c.allowsOthers() {
		options.Users = []uint32{own}
	}
	if slices.Contains(options.Users, own) {
		slog.Warn("a process of the keeper's own user may read the key itself: run the keeper as another user than `oxlin serve`", "user", own)
	}
	options.Master, err = vault.OpenMaster(vault.Options{
		Key: c.MasterKey.Secret, Command: c.MasterKeyCommand, KeyFile: string(c.MasterKeyFile), Existing: !c.MakeKey,
	})
	if errors.Is(err, fs.ErrNotExist) {
		return options, fmt.Errorf("%w: restore it from its backup or, for a new database, make it with --make-key", err)
	}
	return options, err
}

func (c keeperCommand) allowsOthers() bool { return len(c.AllowUser)+len(c.AllowGroup) > 0 }

// mode returns the mode of the socket. Its group may connect if others are allowed: the keeper asks
// the system who they are.
func (c keeperCommand) mode() fs.FileMode {
	if c.allowsOthers() {
		return 0o660
	}
	return 0o600
}

// group returns the group of the socket; -1 for the keeper's own.
func (keeperCommand) group(groups []uint32) int {
	if len(groups) == 0 {
		return -1
	}
	return int(groups[0])
}

// numbers returns the numbers of users or groups.
func numbers(names []string, find func(name string) (string, error)) ([]uint32, error) {
	var list []uint32
	for _, name := range names {
		number, err := strconv.ParseUint(name, 10, 32)
		if err != nil {
			found, err := find(name)
			if err != nil {
				return nil, err
			}
			number, err = strconv.ParseUint(found, 10, 32)
			if err != nil {
				return nil, err
			}
		}
		list = append(list, uint32(number))
	}
	return list, nil
}
