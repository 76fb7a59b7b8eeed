"""Runs a command on a terminal of its own.

usage: terminal-relay.py ROWS COLUMNS COMMAND [ARGUMENT...]

Standard input are the keys, standard output is what the terminal gets. A line "ROWS COLUMNS" on descriptor 3 resizes the
terminal. The first line of standard error is the pid of the command. At the end come the settings of the terminal before and
after, as stty shows them, on standard error. The exit code is the command's, 128 + N for a signal.
"""
import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios


def resize(terminal, rows, columns):
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def settings(terminal):
    return subprocess.run(["stty", "-g"], stdin=terminal, capture_output=True, text=True).stdout.strip()


def main():
    terminal, other = pty.openpty()
    resize(terminal, int(sys.argv[1]), int(sys.argv[2]))
    before = settings(other)
    pid = os.fork()
    if pid == 0:
        os.close(terminal)
        os.close(3)
        os.login_tty(other)
        os.execvp(sys.argv[3], sys.argv[3:])
    os.write(2, b"%d\n" % pid)
    sources, ended = [0, 3, terminal], None
    while ended is None or select.select([terminal], [], [], 0.5)[0]:
        ready, _, _ = select.select(sources, [], [], 0.05)
        if terminal in ready:
            os.write(1, os.read(terminal, 65536))
        if 0 in ready:
            keys = os.read(0, 4096)
            if keys:
                os.write(terminal, keys)
            else:
                sources.remove(0)
        if 3 in ready:
            lines = os.read(3, 4096).decode().split("\n")
            if lines == [""]:
                sources.remove(3)
            elif len(lines) > 1:
                resize(terminal, *map(int, lines[-2].split()))
        if ended is None:
            found, status = os.waitpid(pid, os.WNOHANG)
            ended = status if found else None
    os.write(2, ("%s\n%s\n" % (before, settings(other))).encode())
    code = os.waitstatus_to_exitcode(ended)
    sys.exit(code if code >= 0 else 128 - code)


main()
