package myinit

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
	"time"
)

const usualSocket = "/run/my_init/my_init.sock"

// How long a booting my_init may take until it listens, and the time between two attempts.
const (
	bootTime  = 5 * time.Second
	bootRetry = 20 * time.Millisecond
)

// DefaultSocket is MY_INIT_SOCKET, the usual path, or the path that a my_init without root uses, if
// it belongs to this user (anyone may make files in /tmp).
func DefaultSocket() string {
	if path := os.Getenv("MY_INIT_SOCKET"); path != "" {
		return path
	}
	directory := fmt.Sprintf("/tmp/my_init-%d", os.Geteuid())
	own := directory + "/my_init.sock"
	if _, err := os.Stat(usualSocket); err != nil && isMine(directory) && isMine(own) {
		return own
	}
	return usualSocket
}

// dialSocket connects to a Unix socket. While my_init boots as PID 1 of this container, a socket
// that is not there yet, or is left over from a container that was killed, is tried again.
func dialSocket(ctx context.Context, path string) (net.Conn, error) {
	var dialer net.Dialer
	end := time.Now().Add(bootTime)
	for {
		connection, err := dialer.DialContext(ctx, "unix", path)
		mayCome := errors.Is(err, syscall.ENOENT) || errors.Is(err, syscall.ECONNREFUSED)
		if err == nil || !mayCome || !isContainer() || time.Now().After(end) {
			return connection, err
		}
		if err := sleep(ctx, bootRetry); err != nil {
			return nil, err
		}
	}
}

func unreachable(address string, err error) *Error {
	metadata := map[string]string{"address": address}
	why := err.Error()
	var number syscall.Errno
	if errors.As(err, &number) {
		metadata["errno"] = errnoName(number)
		why = number.Error()
	}
	found := newError("UNREACHABLE", fmt.Sprintf("cannot reach my_init on %s: %s", address, why), metadata)
	found.cause = err
	return found
}

// errnoName has the errors of connect(2) that tell a user something.
func errnoName(number syscall.Errno) string {
	names := map[syscall.Errno]string{
		syscall.ENOENT: "ENOENT", syscall.ENOTDIR: "ENOTDIR", syscall.ECONNREFUSED: "ECONNREFUSED",
		syscall.EACCES: "EACCES", syscall.EPERM: "EPERM", syscall.EINVAL: "ENAMETOOLONG",
	}
	return names[number]
}

func isContainer() bool {
	name, err := os.ReadFile("/proc/1/comm")
	return err == nil && string(name) == "my_init\n"
}

func isMine(path string) bool {
	info, err := os.Lstat(path)
	if err != nil {
		return false
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(owner.Uid) == os.Geteuid()
}

func sleep(ctx context.Context, duration time.Duration) error {
	timer := time.NewTimer(duration)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
