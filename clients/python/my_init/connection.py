"""A way to one my_init, which outlives its connections."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator
from contextlib import closing

import grpc

from . import address
from .cancellation import Cancellation
from .errors import MyInitError, cancelled, error_of_call
from .methods import Method, Request, Response
from .retry import ANSWER_SECONDS, CallRetry, StreamRetry


class Connection:
    def __init__(self, socket: str) -> None:
        self._socket = socket
        self._channel = grpc.insecure_channel(address.target(socket), options=address.CHANNEL_OPTIONS)
        self._ready = False

    def close(self) -> None:
        self._channel.close()

    def call(
        self,
        method: Method[Request, Response],
        request: Request,
        timeout: float | None,
        cancel: Cancellation | None,
    ) -> Response:
        """Calls a method that may be repeated. When the connection breaks, the same call is made again."""
        retry = CallRetry(timeout)
        while True:
            try:
                return self.once(method, request, retry.attempt(), cancel)
            except MyInitError as error:
                delay = retry.delay(error)
            sleep(delay, cancel)

    def once(
        self,
        method: Method[Request, Response],
        request: Request,
        timeout: float | None,
        cancel: Cancellation | None,
    ) -> Response:
        """Calls a method once, even if the connection breaks."""
        self._open(timeout, cancel)
        unary = self._channel.unary_unary(method.path, method.serialize, method.parse)
        call = unary.future(request, timeout=timeout)
        with (cancel or Cancellation()).cancels(call.cancel):
            try:
                return call.result()
            except (grpc.RpcError, grpc.FutureCancelledError) as error:
                raise self._broken(error, cancel) from None
            finally:
                call.cancel()

    def stream(
        self,
        method: Method[Request, Response],
        request: Request,
        silence: Callable[[Response], float | None],
        cancel: Cancellation | None,
    ) -> Generator[Response, None, None]:
        """The answers until my_init has been silent for too long."""
        self._open(None, cancel)
        call = self._channel.unary_stream(method.path, method.serialize, method.parse)(request)
        with (cancel or Cancellation()).cancels(call.cancel), closing(_Silence(call.cancel)) as watchdog:
            try:
                for response in call:
                    watchdog.pause(silence(response))
                    yield response
                    watchdog.resume()
            except grpc.RpcError as error:
                if watchdog.barked:
                    raise MyInitError("NO_ANSWER", "my_init is silent") from None
                raise self._broken(error, cancel) from None
            finally:
                call.cancel()

    def again(
        self,
        method: Method[Request, Response],
        request: Callable[[], Request],
        silence: Callable[[Response], float | None],
        retry: StreamRetry,
        cancel: Cancellation | None,
    ) -> Generator[Response, None, None]:
        """The answers of a stream, asked for again when the controller, the container or the link
        is replaced. `request` makes the request of each attempt, which continues after the last
        answer."""
        while True:
            error: MyInitError | None = None
            try:
                for response in self.stream(method, request(), silence, cancel):
                    retry.answered()
                    yield response
            except MyInitError as broken:
                error = broken
            delay = retry.delay(error)
            if delay is None:
                return
            sleep(delay, cancel)

    def _open(self, timeout: float | None, cancel: Cancellation | None) -> None:
        """Waits for a connection, so that "unreachable" and "lost" are told apart."""
        if self._ready:
            return
        for seconds in address.pauses(self._socket):
            sleep(seconds, cancel)
        ready = grpc.channel_ready_future(self._channel)
        limit = ANSWER_SECONDS if timeout is None else min(timeout, ANSWER_SECONDS)
        with (cancel or Cancellation()).cancels(ready.cancel):
            try:
                ready.result(timeout=limit)
            except grpc.FutureTimeoutError:
                raise address.no_answer(self._socket, limit) from None
            except grpc.FutureCancelledError:
                raise cancelled() from None
            finally:
                ready.cancel()
        self._ready = True

    def _broken(self, error: Exception, cancel: Cancellation | None) -> MyInitError:
        if cancel is not None and cancel.cancelled:
            return cancelled()
        if not isinstance(error, grpc.RpcError):
            return cancelled()
        found = error_of_call(error, self._socket)
        if found.reason == "CONNECTION_LOST":
            self._ready = False
        return found


def sleep(seconds: float, cancel: Cancellation | None) -> None:
    (cancel or Cancellation()).sleep(seconds)


class _Silence:
    """Ends a stream whose other end says nothing any more. Time that the caller takes does not count."""

    def __init__(self, end: Callable[[], object]) -> None:
        self.barked = False
        self._end = end
        self._limit: float | None = None
        self._since: float | None = None
        self._closed = threading.Event()

    def pause(self, limit: float | None) -> None:
        self._since = None
        if limit is None:
            return
        start = self._limit is None
        self._limit = limit
        if start:
            threading.Thread(
                target=self._watch, args=(limit / 4,), name="my_init-silence", daemon=True
            ).start()

    def resume(self) -> None:
        self._since = time.monotonic()

    def close(self) -> None:
        self._closed.set()

    def _watch(self, interval: float) -> None:
        while not self._closed.wait(interval):
            since, limit = self._since, self._limit
            if since is not None and limit is not None and time.monotonic() - since > limit:
                self.barked = True
                self._end()
                return
