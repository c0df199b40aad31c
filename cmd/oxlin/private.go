package main

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
)

// others are the permissions of everybody but the owner.
const others = 0o077

// keepPrivate takes the database and the master key away from everybody but their owner.
// An earlier version, or a backup that was copied back, may have left them open. It warns
// of a data directory that others may open.
func (f databaseFlags) keepPrivate() {
	files, folders := []string{f.keyFile()}, []string{f.directory()}
	if path, lite := strings.CutPrefix(f.address(), "sqlite:"); lite {
		files = append(files, path, path+"-wal", path+"-shm", path+".lock")
		if folder := filepath.Dir(path); folder != filepath.Clean(f.directory()) {
			folders = append(folders, folder)
		}
	}
	for _, file := range files {
		info, err := os.Stat(file)
		if err != nil || info.Mode().Perm()&others == 0 {
			continue // a file that does not exist is private
		}
		err = os.Chmod(file, info.Mode().Perm()&^others)
		if err != nil {
			slog.Warn("others may read a file of secrets: give it the mode 0600", "file", file, "mode", info.Mode().Perm(), "error", err)
		}
	}
	for _, folder := range folders {
		info, err := os.Stat(folder)
		if err == nil && info.Mode().Perm()&others != 0 {
			slog.Warn("others may open the data directory: give it the mode 0700", "directory", folder, "mode", info.Mode().Perm())
		}
	}
}

// keyReadable reports whether the file of the master key can be read here although a keeper holds it.
func (f databaseFlags) keyReadable() bool {
	if f.MasterKeySocket == "" {
		return false
	}
	file, err := os.Open(f.keyFile())
	if err != nil {
		return false
	}
	_ = file.Close() // nothing was read
	return true
}

// keyInside reports whether the master key is a file in the data directory.
func (f databaseFlags) keyInside() bool {
	if f.MasterKeySocket != "" || !f.MasterKey.IsZero() || f.MasterKeyCommand != "" {
		return false
	}
	folder, err := filepath.Abs(f.directory())
	if err != nil {
		return false
	}
	file, err := filepath.Abs(f.keyFile())
	return err == nil && strings.HasPrefix(file, folder+string(filepath.Separator))
}
