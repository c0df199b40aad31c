package keeper

import (
	"net"
	"syscall"
)

// peerOf returns the user and the group of the process at the other end. The system tells them, so
// that the process cannot claim others.
func peerOf(conn *net.UnixConn) (peer, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return peer{}, err
	}
	var found *syscall.Ucred
	var failed error
	err = raw.Control(func(fd uintptr) {
		found, failed = syscall.GetsockoptUcred(int(fd), syscall.SOL_SOCKET, syscall.SO_PEERCRED)
	})
	if err == nil {
		err = failed
	}
	if err != nil {
		return peer{}, err
	}
	return peer{found.Uid, found.Gid, found.Pid}, nil
}
