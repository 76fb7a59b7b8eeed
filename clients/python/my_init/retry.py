"""When a call is made again, and when a stream is asked for again. Nothing here waits or connects."""

from __future__ import annotations

import time
from collections.abc import Callable

import grpc

from .errors import MyInitError

#: my_init answers a question within seconds, also while it starts a hundred services.
ANSWER_SECONDS = 10.0

#: The call's own deadline comes after the end of the wait: my_init's answer says more than a broken
#: call.
_SLACK_SECONDS = 5.0

#: Between two attempts of a call whose connection broke: the next controller is there in about 100 ms.
_RETRY_SECONDS = 0.05

#: Attempts that fail for so long, each of them quickly, are given up.
_PATIENCE_SECONDS = 10.0

#: The longest delay between two attempts of a stream.
_LONGEST_SECONDS = 2.0

_LOST = ("CONNECTION_LOST", "CONTROLLER_REPLACED")

#: The controller or the container is being replaced. NOT_FOUND: after a boot the services come one by one.
_PASSING = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.NOT_FOUND, grpc.StatusCode.DEADLINE_EXCEEDED)


def order_timeout(wait_timeout: float | None) -> float | None:
    return None if wait_timeout is None else wait_timeout + _SLACK_SECONDS


class CallRetry:
    """Retries of a call that may be repeated: it changes nothing, or has a ``request_id``."""

    def __init__(self, timeout: float | None) -> None:
        self._end = None if timeout is None else time.monotonic() + timeout
        self._attempt = time.monotonic()
        self._lost: tuple[MyInitError, float] | None = None

    def attempt(self) -> float | None:
        """Begins an attempt; how long it may take."""
        self._attempt = time.monotonic()
        return None if self._end is None else max(0.001, self._end - self._attempt)

    def delay(self, error: MyInitError) -> float:
        """How long to wait before the next attempt. Raises the error when there is none."""
        again = error.reason in _LOST or (self._lost is not None and error.reason == "UNREACHABLE")
        if not again:
            raise error
        now = time.monotonic()
        # An attempt that lasted is a sign of life.
        if self._lost is None or now - self._attempt > _PATIENCE_SECONDS / 2:
            self._lost = error, now
        first, since = self._lost
        ends = self._end is not None and self._end - now <= _RETRY_SECONDS
        if ends or now - since > _PATIENCE_SECONDS:
            raise first
        return _RETRY_SECONDS


class StreamRetry:
    """Of a stream that continues after its last answer."""

    def __init__(
        self, retries: Callable[[MyInitError], bool] = lambda error: False, *, ends: bool = False
    ) -> None:
        #: Whether to ask again after an error that would end the stream.
        self._retries = retries
        #: An end without an error is the end.
        self._ends = ends
        self._started = time.monotonic()
        self._live = False
        self._seconds = _RETRY_SECONDS

    def answered(self) -> None:
        self._live = True
        self._seconds = _RETRY_SECONDS

    def delay(self, error: MyInitError | None) -> float | None:
        """How long to wait before asking again; None at the end. Raises the error when asking again makes no
        sense."""
        if error is None and self._ends:
            return None
        if error is not None and not self._retries(error) and not self._passes(error):
            raise error
        seconds, self._seconds = self._seconds, min(_LONGEST_SECONDS, self._seconds * 2)
        return seconds

    def _passes(self, error: MyInitError) -> bool:
        if self._live:
            return error.code in _PASSING
        # The first connection broke: the controller is being replaced just now, or it is no
        # my_init.
        return error.reason in _LOST and time.monotonic() - self._started < _PATIENCE_SECONDS
