"""Runs a command on a terminal of its own.

usage: terminal-relay.py ROWS COLUMNS COMMAND [ARGUMENT...]

Standard input are the keys, standard output is what the terminal gets. A line "ROWS COLUMNS" on descriptor 3 resizes the
terminal. The first line of standard error is the pid of the command. At the end come the settings of the terminal before and
after, as stty shows them, on standard error. The relay ends when all processes have left the terminal. The exit code is the
command's, 128 + N for a signal.
"""
import contextlib
import errno
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


def output(terminal):
    """The text on the terminal; empty when all processes have left it."""
    try:
        return os.read(terminal, 65536)
    except OSError as error:
        if error.errno != errno.EIO:
            raise
        return b""


def main():
    terminal, other = pty.openpty()
    resize(terminal, int(sys.argv[1]), int(sys.argv[2]))
    name, before = os.ttyname(other), settings(other)
    pid = os.fork()
    if pid == 0:
        os.close(terminal)
        os.close(3)
        os.login_tty(other)
        os.execvp(sys.argv[3], sys.argv[3:])
    os.close(other)
    os.write(2, b"%d\n" % pid)
    sources = [0, 3, terminal]
    while terminal in sources:
        ready, _, _ = select.select(sources, [], [])
        if terminal in ready:
            text = output(terminal)
            if text:
                os.write(1, text)
            else:
                sources.remove(terminal)
        if 0 in ready:
            keys = os.read(0, 4096)
            if keys:
                # Perhaps all have left the terminal meanwhile.
                with contextlib.suppress(OSError):
                    os.write(terminal, keys)
            else:
                sources.remove(0)
        if 3 in ready:
            lines = os.read(3, 4096).decode().split("\n")
            if lines == [""]:
                sources.remove(3)
            elif len(lines) > 1:
                resize(terminal, *map(int, lines[-2].split()))
    _, ended = os.waitpid(pid, 0)
    again = os.open(name, os.O_RDWR | os.O_NOCTTY)
    os.write(2, ("%s\n%s\n" % (before, settings(again))).encode())
    code = os.waitstatus_to_exitcode(ended)
    sys.exit(code if code >= 0 else 128 - code)


main()
