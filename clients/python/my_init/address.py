"""Where my_init listens."""

from __future__ import annotations

import errno
import os
import socket
import time
from collections.abc import Iterator
from urllib.parse import quote

from .errors import MyInitError

_USUAL = "/run/my_init/my_init.sock"

#: ``sun_path`` of unix(7) has 108 bytes; the last one is NUL.
_MAX_BYTES = 107

#: How long a booting my_init may take until it listens, and the time between two attempts.
_BOOT_SECONDS = 5.0
_BOOT_RETRY_SECONDS = 0.02

#: The next controller is there in about 100 ms: gRPC must not wait for a second before it connects
#: again, nor share its waiting with another channel to the same socket.
CHANNEL_OPTIONS = (
    ("grpc.initial_reconnect_backoff_ms", 50),
    ("grpc.max_reconnect_backoff_ms", 500),
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.max_receive_message_length", 64 * 1024 * 1024),
)


def default_socket() -> str:
    """MY_INIT_SOCKET, the usual path, or the path that a my_init without root uses, if it belongs to
    this user (anyone may make files in /tmp)."""
    return os.environ.get("MY_INIT_SOCKET") or _found()


def target(path: str) -> str:
    """The path as gRPC names it."""
    return "unix:" + quote(os.path.abspath(path))


def pauses(path: str) -> Iterator[float]:
    """The seconds to wait between attempts to reach a my_init that boots: none once it can be reached.

    :raises MyInitError: UNREACHABLE; metadata: address, errno
    """
    end = time.monotonic() + _BOOT_SECONDS
    while True:
        try:
            _probe(path)
            return
        except MyInitError as error:
            if not _may_come(error) or time.monotonic() > end:
                raise
        yield _BOOT_RETRY_SECONDS


def _probe(path: str) -> None:
    """Connects once: the system says more about a socket that cannot be reached than gRPC does.

    :raises MyInitError: UNREACHABLE; metadata: address, errno
    """
    size = len(os.fsencode(path))
    if size > _MAX_BYTES:
        raise _unreachable(path, "ENAMETOOLONG", f"the path has {size} bytes, {_MAX_BYTES} is the limit")
    with socket.socket(socket.AF_UNIX) as attempt:
        try:
            attempt.connect(path)
        except OSError as error:
            code = errno.errorcode.get(error.errno or 0, "")
            raise _unreachable(path, code, error.strerror or str(error)) from None


def _may_come(error: MyInitError) -> bool:
    """While my_init boots as PID 1 of this container, its socket is not there yet, or is left over from
    a container that was killed."""
    return error.metadata.get("errno") in ("ENOENT", "ECONNREFUSED") and _is_container()


def no_answer(path: str, seconds: float) -> MyInitError:
    return MyInitError("NO_ANSWER", f"no answer from {path} within {seconds:g} s", metadata={"address": path})


def _unreachable(path: str, code: str, why: str) -> MyInitError:
    metadata = {"address": path, "errno": code}
    return MyInitError("UNREACHABLE", f"cannot reach my_init on {path}: {why}", metadata=metadata)


def _is_container() -> bool:
    try:
        with open("/proc/1/comm", encoding="latin-1") as file:
            return file.read() == "my_init\n"
    except OSError:
        return False


def _found() -> str:
    uid = os.geteuid()
    own = f"/tmp/my_init-{uid}/my_init.sock"
    mine = _belongs_to(os.path.dirname(own), uid) and _belongs_to(own, uid)
    return own if mine and not os.path.exists(_USUAL) else _USUAL


def _belongs_to(path: str, uid: int) -> bool:
    try:
        return os.lstat(path).st_uid == uid
    except OSError:
        return False
