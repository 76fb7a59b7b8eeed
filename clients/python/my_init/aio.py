"""The client for asyncio: calls are awaited, streams are asynchronous iterators. A task that is cancelled
cancels its call."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from types import TracebackType
from typing import TYPE_CHECKING, Any

from . import address, health_pb2, methods, requests
from .aio_connection import Connection
from .health import statuses_of
from .log_events import LogEvent, Reading
from .methods import Method
from .outcome import Outcome, outcomes_of
from .requests import Names, new_id
from .retry import ANSWER_SECONDS, StreamRetry, order_timeout
from .v1 import definitions_pb2, init_pb2, services_pb2
from .v1.service_pb2 import Service
from .watch_events import View, WatchEvent

if TYPE_CHECKING:
    from typing_extensions import Unpack


def connect(socket: str | None = None) -> MyInit:
    """A client for the my_init on a Unix socket; :func:`default_socket` when left out."""
    return MyInit(socket or address.default_socket())


class MyInit:
    """One my_init. Every method raises :class:`MyInitError`; `timeout` is in
    seconds."""

    def __init__(self, socket: str) -> None:
        self._connection = Connection(socket)

    async def __aenter__(self) -> MyInit:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Ends the connection, and all that is still under way."""
        await self._connection.close()

    async def services(self, names: Names = (), *, timeout: float = ANSWER_SECONDS) -> list[Service]:
        """The services, sorted by name."""
        request = services_pb2.ListRequest(selector=requests.selector_of(names))
        return list((await self._connection.call(methods.LIST, request, timeout)).services)

    async def service(self, name: str, *, timeout: float = ANSWER_SECONDS) -> Service:
        """One service. SERVICE_NOT_FOUND with a suggestion when there is none."""
        return (await self._connection.call(methods.GET, services_pb2.GetRequest(name=name), timeout)).service

    async def watch(
        self, names: Names = (), *, heartbeat: float | None = None
    ) -> AsyncGenerator[WatchEvent, None]:
        """The services, then each change, until the loop is left. When the controller, the
        container or the link is replaced, the watch continues after the last revision; missed
        changes are a gap."""
        view = View(names, heartbeat)
        answers = self._connection.again(methods.WATCH, view.request, view.silence, StreamRetry())
        async with aclosing(answers):
            async for response in answers:
                for event in view.take(response):
                    yield event

    async def logs(
        self, names: Names = (), **options: Unpack[requests.LogOptions]
    ) -> AsyncGenerator[LogEvent, None]:
        """The lines of services, merged by time; my_init's own are those of the service ``my_init``."""
        reading = Reading(names, options)
        retry = StreamRetry(reading.retries, ends=not reading.follow)
        answers = self._connection.again(methods.READ, reading.request, reading.silence, retry)
        async with aclosing(answers):
            async for response in answers:
                for event in reading.take(response):
                    yield event
                if reading.complete:
                    return

    def usage(
        self, names: Names = (), *, interval: float | None = None
    ) -> AsyncGenerator[services_pb2.WatchUsageResponse, None]:
        """The resource use of the services: a sample at once, then one in each interval (2 s)."""
        request = requests.usage(names, interval)
        return self._connection.again(methods.WATCH_USAGE, lambda: request, requests.usage_silence, StreamRetry())

    async def start(
        self,
        names: Names = (),
        **options: Unpack[requests.StartOptions],
    ) -> list[Outcome]:
        """Starts services and waits until they are ready. Raises when one of them fails; the error has
        all outcomes."""
        return await self._mutate(methods.START, requests.start(names, options), options)

    async def stop(
        self,
        names: Names = (),
        **options: Unpack[requests.StopOptions],
    ) -> list[Outcome]:
        """Stops services and waits until they are gone."""
        return await self._mutate(methods.STOP, requests.stop(names, options), options)

    async def restart(
        self,
        names: Names = (),
        **options: Unpack[requests.RestartOptions],
    ) -> list[Outcome]:
        """Stops services where they run, starts them, and waits until the new processes are ready."""
        return await self._mutate(methods.RESTART, requests.restart(names, options), options)

    async def scale(
        self,
        name: str,
        replicas: int,
        **options: Unpack[requests.ScaleOptions],
    ) -> list[Outcome]:
        """Sets how many replicas of a service there are, until the next boot."""
        return await self._mutate(methods.SCALE, requests.scale(name, replicas, options), options)

    async def run(
        self,
        name: str,
        command: Iterable[str],
        **options: Unpack[requests.RunOptions],
    ) -> Outcome:
        """Starts a command as a transient service, and waits until it is ready. The service
        outlives this client."""
        [outcome] = await self._mutate(methods.RUN, requests.run(name, command, options), options)
        return outcome

    async def reload(
        self,
        names: Names = (),
        **options: Unpack[requests.MutationOptions],
    ) -> list[Outcome]:
        """Asks services to read their configuration again."""
        return await self._mutate(methods.RELOAD, requests.reload(names, options), options)

    async def hold(
        self,
        names: Names = (),
        **options: Unpack[requests.HoldOptions],
    ) -> list[Outcome]:
        """Keeps my_init from restarting services and from checking whether they live, for a time."""
        return await self._mutate(methods.HOLD, requests.hold(names, options), options)

    async def release(
        self,
        names: Names = (),
        **options: Unpack[requests.MutationOptions],
    ) -> list[Outcome]:
        """Ends a hold before its time."""
        return await self._mutate(methods.RELEASE, requests.release(names, options), options)

    async def reset(
        self,
        names: Names = (),
        **options: Unpack[requests.MutationOptions],
    ) -> list[Outcome]:
        """Forgets failures: services that were given up or are in back-off are started."""
        return await self._mutate(methods.RESET, requests.reset(names, options), options)

    async def signal(
        self,
        names: Names,
        signal: str,
        **options: Unpack[requests.SignalOptions],
    ) -> list[Outcome]:
        """Sends a signal (``HUP``, ``SIGHUP`` or ``1``) to the processes of services."""
        return await self._mutate(methods.SIGNAL, requests.signal(names, signal, options), options)

    async def info(self, *, timeout: float = ANSWER_SECONDS) -> init_pb2.GetInfoResponse:
        return await self._connection.call(methods.GET_INFO, init_pb2.GetInfoRequest(), timeout)

    async def boot(self, *, timeout: float = ANSWER_SECONDS) -> init_pb2.GetBootResponse:
        """The timeline of the start."""
        return await self._connection.call(methods.GET_BOOT, init_pb2.GetBootRequest(), timeout)

    async def processes(self, *, timeout: float = ANSWER_SECONDS) -> list[init_pb2.Process]:
        return list(
            (
                await self._connection.call(methods.LIST_PROCESSES, init_pb2.ListProcessesRequest(), timeout)
            ).processes
        )

    async def health(self, *, timeout: float = ANSWER_SECONDS) -> dict[str, str]:
        """``SERVING`` or ``NOT_SERVING`` by name: ``liveness``, ``readiness``, ``startup``, ``service/NAME``."""
        return statuses_of(
            await self._connection.call(methods.HEALTH, health_pb2.HealthListRequest(), timeout)
        )

    async def explain(
        self, name: str, *, timeout: float = ANSWER_SECONDS
    ) -> list[definitions_pb2.Explanation]:
        """Why a service is in its state: the root of the trouble first, the service itself last."""
        return list(
            (
                await self._connection.call(
                    methods.EXPLAIN, definitions_pb2.ExplainRequest(name=name), timeout
                )
            ).steps
        )

    async def definitions(
        self, names: Names = (), *, timeout: float = ANSWER_SECONDS
    ) -> list[definitions_pb2.ServiceDefinition]:
        """The definition in force of each service, with the origin of each value."""
        request = definitions_pb2.DefinitionsGetRequest(names=requests.words(names))
        return list((await self._connection.call(methods.GET_DEFINITIONS, request, timeout)).definitions)

    async def apply(
        self,
        names: Names = (),
        *,
        dry_run: bool = False,
        request_id: str | None = None,
    ) -> list[definitions_pb2.AppliedChange]:
        """Takes over changed definitions: the services that need it are restarted, started or
        stopped. With `dry_run` it only reports the effects."""
        order = requests.apply(names, dry_run, request_id)
        return list((await self._connection.call(methods.APPLY, order, None)).changes)

    async def rescan(
        self, *, request_id: str | None = None, timeout: float = ANSWER_SECONDS
    ) -> init_pb2.RescanResponse:
        """Reads the service directory now."""
        order = requests.rescan(request_id)
        return await self._connection.call(methods.RESCAN, order, timeout)

    async def reexec(
        self, *, request_id: str | None = None, timeout: float = ANSWER_SECONDS
    ) -> init_pb2.ReexecResponse:
        """Replaces the controller by the program on disk. The answer comes before the replacement."""
        order = requests.reexec(request_id)
        return await self._connection.call(methods.REEXEC, order, timeout)

    def shutdown(
        self, **options: Unpack[requests.ShutdownOptions]
    ) -> AsyncGenerator[init_pb2.ShutdownProgress, None]:
        """Shuts the container down; the progress ends when my_init does."""
        return self._connection.stream(methods.SHUTDOWN, requests.shutdown(options), lambda response: None)

    async def _mutate(
        self,
        method: Method[Any, services_pb2.OperationResponse],
        request: methods.Order,
        options: requests.MutationOptions | requests.ScaleOptions,
    ) -> list[Outcome]:
        request.request_id = request.request_id or new_id()
        timeout = order_timeout(options.get("wait_timeout"))
        return outcomes_of(await self._connection.call(method, request, timeout))
