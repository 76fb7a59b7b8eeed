"""The plain client: calls block, streams are iterators."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from types import TracebackType
from typing import TYPE_CHECKING, Any

from . import address, health_pb2, methods, requests
from .cancellation import Cancellation
from .connection import Connection
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
    """One my_init. Every method raises :class:`MyInitError`; `timeout` is in seconds, `cancel` ends
    the call from another thread. Several threads may share a client."""

    def __init__(self, socket: str) -> None:
        self._connection = Connection(socket)

    def __enter__(self) -> MyInit:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends the connection, and all that is still under way."""
        self._connection.close()

    def services(
        self, names: Names = (), *, timeout: float = ANSWER_SECONDS, cancel: Cancellation | None = None
    ) -> list[Service]:
        """The services, sorted by name."""
        request = services_pb2.ListRequest(selector=requests.selector_of(names))
        return list(self._connection.call(methods.LIST, request, timeout, cancel).services)

    def service(
        self, name: str, *, timeout: float = ANSWER_SECONDS, cancel: Cancellation | None = None
    ) -> Service:
        """One service. SERVICE_NOT_FOUND with a suggestion when there is none."""
        return self._connection.call(methods.GET, services_pb2.GetRequest(name=name), timeout, cancel).service

    def watch(
        self, names: Names = (), *, heartbeat: float | None = None, cancel: Cancellation | None = None
    ) -> Generator[WatchEvent, None, None]:
        """The services, then each change, until the loop is left. When the controller, the
        container or the link is replaced, the watch continues after the last revision; missed
        changes are a gap."""
        view = View(names, heartbeat)
        for response in self._connection.again(methods.WATCH, view.request, view.silence, StreamRetry(), cancel):
            yield from view.take(response)

    def logs(
        self, names: Names = (), *, cancel: Cancellation | None = None, **options: Unpack[requests.LogOptions]
    ) -> Generator[LogEvent, None, None]:
        """The lines of services, merged by time; my_init's own are those of the service ``my_init``."""
        reading = Reading(names, options)
        retry = StreamRetry(reading.retries, ends=not reading.follow)
        for response in self._connection.again(methods.READ, reading.request, reading.silence, retry, cancel):
            yield from reading.take(response)
            if reading.complete:
                return

    def usage(
        self, names: Names = (), *, interval: float | None = None, cancel: Cancellation | None = None
    ) -> Generator[services_pb2.WatchUsageResponse, None, None]:
        """The resource use of the services: a sample at once, then one in each interval (2 s)."""
        request = requests.usage(names, interval)
        return self._connection.again(
            methods.WATCH_USAGE, lambda: request, requests.usage_silence, StreamRetry(), cancel
        )

    def start(
        self,
        names: Names = (),
        *,
        cancel: Cancellation | None = None,
        **options: Unpack[requests.StartOptions],
    ) -> list[Outcome]:
        """Starts services and waits until they are ready. Raises when one of them fails; the error has
        all outcomes."""
        return self._mutate(methods.START, requests.start(names, options), options, cancel)

    def stop(
        self,
        names: Names = (),
        *,
        cancel: Cancellation | None = None,
        **options: Unpack[requests.StopOptions],
    ) -> list[Outcome]:
        """Stops services and waits until they are gone."""
        return self._mutate(methods.STOP, requests.stop(names, options), options, cancel)

    def restart(
        self,
        names: Names = (),
        *,
        cancel: Cancellation | None = None,
        **options: Unpack[requests.RestartOptions],
    ) -> list[Outcome]:
        """Stops services where they run, starts them, and waits until the new processes are ready."""
        return self._mutate(methods.RESTART, requests.restart(names, options), options, cancel)

    def scale(
        self,
        name: str,
        replicas: int,
        *,
        cancel: Cancellation | None = None,
        **options: Unpack[requests.ScaleOptions],
    ) -> list[Outcome]:
        """Sets how many replicas of a service there are, until the next boot."""
        return self._mutate(methods.SCALE, requests.scale(name, replicas, options), options, cancel)

    def run(
        self,
        name: str,
        command: Iterable[str],
        *,
        cancel: Cancellation | None = None,
        **options: Unpack[requests.RunOptions],
    ) -> Outcome:
        """Starts a command as a transient service, and waits until it is ready. The service
        outlives this client."""
        [outcome] = self._mutate(methods.RUN, requests.run(name, command, options), options, cancel)
        return outcome

    def reload(
        self,
        names: Names = (),
        *,
        cancel: Cancellation | None = None,
        **options: Unpack[requests.MutationOptions],
    ) -> list[Outcome]:
        """Asks services to read their configuration again."""
        return self._mutate(methods.RELOAD, requests.reload(names, options), options, cancel)

    def hold(
        self,
        names: Names = (),
        *,
        cancel: Cancellation | None = None,
        **options: Unpack[requests.HoldOptions],
    ) -> list[Outcome]:
        """Keeps my_init from restarting services and from checking whether they live, for a time."""
        return self._mutate(methods.HOLD, requests.hold(names, options), options, cancel)

    def release(
        self,
        names: Names = (),
        *,
        cancel: Cancellation | None = None,
        **options: Unpack[requests.MutationOptions],
    ) -> list[Outcome]:
        """Ends a hold before its time."""
        return self._mutate(methods.RELEASE, requests.release(names, options), options, cancel)

    def reset(
        self,
        names: Names = (),
        *,
        cancel: Cancellation | None = None,
        **options: Unpack[requests.MutationOptions],
    ) -> list[Outcome]:
        """Forgets failures: services that were given up or are in back-off are started."""
        return self._mutate(methods.RESET, requests.reset(names, options), options, cancel)

    def signal(
        self,
        names: Names,
        signal: str,
        *,
        cancel: Cancellation | None = None,
        **options: Unpack[requests.SignalOptions],
    ) -> list[Outcome]:
        """Sends a signal (``HUP``, ``SIGHUP`` or ``1``) to the processes of services."""
        return self._mutate(methods.SIGNAL, requests.signal(names, signal, options), options, cancel)

    def info(
        self, *, timeout: float = ANSWER_SECONDS, cancel: Cancellation | None = None
    ) -> init_pb2.GetInfoResponse:
        return self._connection.call(methods.GET_INFO, init_pb2.GetInfoRequest(), timeout, cancel)

    def boot(
        self, *, timeout: float = ANSWER_SECONDS, cancel: Cancellation | None = None
    ) -> init_pb2.GetBootResponse:
        """The timeline of the start."""
        return self._connection.call(methods.GET_BOOT, init_pb2.GetBootRequest(), timeout, cancel)

    def processes(
        self, *, timeout: float = ANSWER_SECONDS, cancel: Cancellation | None = None
    ) -> list[init_pb2.Process]:
        return list(
            self._connection.call(
                methods.LIST_PROCESSES, init_pb2.ListProcessesRequest(), timeout, cancel
            ).processes
        )

    def health(
        self, *, timeout: float = ANSWER_SECONDS, cancel: Cancellation | None = None
    ) -> dict[str, str]:
        """``SERVING`` or ``NOT_SERVING`` by name: ``liveness``, ``readiness``, ``startup``, ``service/NAME``."""
        return statuses_of(
            self._connection.call(methods.HEALTH, health_pb2.HealthListRequest(), timeout, cancel)
        )

    def explain(
        self, name: str, *, timeout: float = ANSWER_SECONDS, cancel: Cancellation | None = None
    ) -> list[definitions_pb2.Explanation]:
        """Why a service is in its state: the root of the trouble first, the service itself last."""
        return list(
            self._connection.call(
                methods.EXPLAIN, definitions_pb2.ExplainRequest(name=name), timeout, cancel
            ).steps
        )

    def definitions(
        self, names: Names = (), *, timeout: float = ANSWER_SECONDS, cancel: Cancellation | None = None
    ) -> list[definitions_pb2.ServiceDefinition]:
        """The definition in force of each service, with the origin of each value."""
        request = definitions_pb2.DefinitionsGetRequest(names=requests.words(names))
        return list(self._connection.call(methods.GET_DEFINITIONS, request, timeout, cancel).definitions)

    def apply(
        self,
        names: Names = (),
        *,
        dry_run: bool = False,
        request_id: str | None = None,
        cancel: Cancellation | None = None,
    ) -> list[definitions_pb2.AppliedChange]:
        """Takes over changed definitions: the services that need it are restarted, started or
        stopped. With `dry_run` it only reports the effects."""
        order = requests.apply(names, dry_run, request_id)
        return list(self._connection.call(methods.APPLY, order, None, cancel).changes)

    def rescan(
        self,
        *,
        request_id: str | None = None,
        timeout: float = ANSWER_SECONDS,
        cancel: Cancellation | None = None,
    ) -> init_pb2.RescanResponse:
        """Reads the service directory now."""
        order = requests.rescan(request_id)
        return self._connection.call(methods.RESCAN, order, timeout, cancel)

    def reexec(
        self,
        *,
        request_id: str | None = None,
        timeout: float = ANSWER_SECONDS,
        cancel: Cancellation | None = None,
    ) -> init_pb2.ReexecResponse:
        """Replaces the controller by the program on disk. The answer comes before the replacement."""
        order = requests.reexec(request_id)
        return self._connection.call(methods.REEXEC, order, timeout, cancel)

    def shutdown(
        self, *, cancel: Cancellation | None = None, **options: Unpack[requests.ShutdownOptions]
    ) -> Generator[init_pb2.ShutdownProgress, None, None]:
        """Shuts the container down; the progress ends when my_init does."""
        return self._connection.stream(
            methods.SHUTDOWN, requests.shutdown(options), lambda response: None, cancel
        )

    def _mutate(
        self,
        method: Method[Any, services_pb2.OperationResponse],
        request: methods.Order,
        options: requests.MutationOptions | requests.ScaleOptions,
        cancel: Cancellation | None,
    ) -> list[Outcome]:
        request.request_id = request.request_id or new_id()
        timeout = order_timeout(options.get("wait_timeout"))
        return outcomes_of(self._connection.call(method, request, timeout, cancel))
