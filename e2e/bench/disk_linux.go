package main

import (
	"os"
	"syscall"
)

// datasync gives a file's content to the disk, as databases do at each commit.
func datasync(file *os.File) error { return syscall.Fdatasync(int(file.Fd())) }
