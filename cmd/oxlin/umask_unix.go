//go:build unix

package main

import "syscall"

// narrow takes every file that this process makes away from others, whatever umask it was
// started with, and lets a crash write none of its memory to a file: keys and tokens are in it.
func narrow() {
	syscall.Umask(others)
	// A system that refuses it has set a limit of its own, which is not above this one.
	_ = syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{})
}
