"""Runs a command on a terminal of its own and holds a dialogue with it.

usage: terminal.py DIALOGUE COMMAND [ARGUMENT...]

DIALOGUE is a JSON list of steps: ["expect", TEXT], ["send", TEXT], ["resize", ROWS, COLUMNS]. What the command writes goes
to standard output; the exit code is the command's, 128 + N for a signal, 99 when a text did not come in time.
"""
import fcntl
import json
import os
import pty
import select
import struct
import sys
import termios
import time

PATIENCE = 120


def main():
    steps, command = json.loads(sys.argv[1]), sys.argv[2:]
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvp(command[0], command)
    transcript, seen = b"", 0
    for verb, *arguments in steps:
        if verb == "send":
            os.write(terminal, arguments[0].encode())
        elif verb == "resize":
            fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", *arguments, 0, 0))
        else:
            text, deadline = arguments[0].encode(), time.monotonic() + PATIENCE
            while text not in transcript[seen:]:
                piece = read(terminal, deadline)
                if not piece:
                    end(pid, transcript, "\nno %r came\n" % arguments[0])
                transcript += piece
            seen = transcript.index(text, seen) + len(text)
    while piece := read(terminal, time.monotonic() + PATIENCE):
        transcript += piece
    end(pid, transcript, "")


def read(terminal, deadline):
    if not select.select([terminal], [], [], max(0, deadline - time.monotonic()))[0]:
        return b""
    try:
        return os.read(terminal, 65536)
    except OSError:
        return b""


def end(pid, transcript, problem):
    os.write(1, transcript + problem.encode())
    if problem:
        os.kill(pid, 9)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    sys.exit(99 if problem else status if status >= 0 else 128 - status)


main()
