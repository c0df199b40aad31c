package keeper

import (
	"net"
	"syscall"
)

// peerOf asks the system who is at the other end: the process cannot claim to be another.
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
