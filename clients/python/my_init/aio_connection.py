"""A way to one my_init, which outlives its connections, for asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import aclosing
from typing import Any, TypeVar, cast

import grpc
from google.protobuf.message import Message

from . import address
from .errors import MyInitError, error_of_call
from .methods import Method, Request, Response
from .retry import ANSWER_SECONDS, CallRetry, StreamRetry

Result = TypeVar("Result")


class Connection:
    def __init__(self, socket: str) -> None:
        self._socket = socket
        self._channel = grpc.aio.insecure_channel(address.target(socket), options=address.CHANNEL_OPTIONS)
        self._ready = False

    async def close(self) -> None:
        await self._channel.close()

    async def call(
        self, method: Method[Request, Response], request: Request, timeout: float | None
    ) -> Response:
        """Calls a method that may be repeated. When the connection breaks, the same call is made again."""
        retry = CallRetry(timeout)
        while True:
            try:
                return await self.once(method, request, retry.attempt())
            except MyInitError as error:
                delay = retry.delay(error)
            await asyncio.sleep(delay)

    async def stream(
        self,
        method: Method[Request, Response],
        request: Request,
        silence: Callable[[Response], float | None],
    ) -> AsyncGenerator[Response, None]:
        """The answers until my_init has been silent for too long. Time that the caller takes does not count."""
        await self._open(None)
        call = self._channel.unary_stream(method.path, method.serialize, method.parse)(request)
        limit: float | None = None
        try:
            while True:
                answer = await _within(limit, call.read())
                if not isinstance(answer, Message):
                    return
                response = cast(Response, answer)
                limit = silence(response) or limit
                yield response
        except asyncio.TimeoutError:
            raise MyInitError("NO_ANSWER", "my_init is silent") from None
        except grpc.RpcError as error:
            raise self._broken(error) from None
        finally:
            call.cancel()

    async def again(
        self,
        method: Method[Request, Response],
        request: Callable[[], Request],
        silence: Callable[[Response], float | None],
        retry: StreamRetry,
    ) -> AsyncGenerator[Response, None]:
        """The answers of a stream, asked for again when the controller, the container or the link
        is replaced. `request` makes the request of each attempt, which continues after the last
        answer."""
        while True:
            error: MyInitError | None = None
            answers = self.stream(method, request(), silence)
            try:
                async with aclosing(answers):
                    async for response in answers:
                        retry.answered()
                        yield response
            except MyInitError as broken:
                error = broken
            delay = retry.delay(error)
            if delay is None:
                return
            await asyncio.sleep(delay)

    async def once(
        self, method: Method[Request, Response], request: Request, timeout: float | None
    ) -> Response:
        """Calls a method once, even if the connection breaks."""
        await self._open(timeout)
        try:
            unary = self._channel.unary_unary(method.path, method.serialize, method.parse)
            response: Response = await unary(request, timeout=timeout)
            return response
        except grpc.RpcError as error:
            raise self._broken(error) from None

    async def _open(self, timeout: float | None) -> None:
        """Waits for a connection, so that "unreachable" and "lost" are told apart."""
        if self._ready:
            return
        for seconds in address.pauses(self._socket):
            await asyncio.sleep(seconds)
        limit = ANSWER_SECONDS if timeout is None else min(timeout, ANSWER_SECONDS)
        try:
            await _within(limit, self._channel.channel_ready())
        except asyncio.TimeoutError:
            raise address.no_answer(self._socket, limit) from None
        self._ready = True

    def _broken(self, error: grpc.RpcError) -> MyInitError:
        found = error_of_call(error, self._socket)
        if found.reason == "CONNECTION_LOST":
            self._ready = False
        return found


async def _within(seconds: float | None, awaited: Coroutine[Any, Any, Result]) -> Result:
    """Waits as asyncio.wait_for does. Before Python 3.12 wait_for loses a cancellation that comes
    together with the result: the caller would go on for ever."""
    task = asyncio.ensure_future(awaited)
    try:
        await asyncio.wait({task}, timeout=seconds)
        if not task.done():
            raise asyncio.TimeoutError
        return task.result()
    finally:
        task.cancel()
