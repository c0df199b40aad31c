//go:build !linux

package main

import "os"

// datasync gives a file's content to the disk, as databases do at each commit.
func datasync(file *os.File) error { return file.Sync() }
