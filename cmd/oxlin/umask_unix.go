//go:build unix

package main

import "syscall"

// narrow takes every file that this process makes away from others, whatever umask it was
// started with.
func narrow() { syscall.Umask(others) }
