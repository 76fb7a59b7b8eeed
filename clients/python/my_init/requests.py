"""The options of calls, and the requests that they make."""

from __future__ import annotations

import datetime
import json
import uuid
from collections.abc import Iterable, Mapping
from typing import Any, Literal, TypedDict, Union

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from .v1 import definitions_pb2 as definitions
from .v1 import init_pb2 as init
from .v1 import services_pb2 as services
from .v1.logs_pb2 import LogCursor

#: Names of services; a name with ``*`` or ``?`` is a pattern.
Names = Union[str, Iterable[str]]


class MutationOptions(TypedDict, total=False):
    #: Every service, instead of names.
    all: bool
    #: How many seconds to wait for the outcome. Giving up does not undo the operation.
    wait_timeout: float
    #: Names the order: repeated with the same id it is carried out once. Random when left out.
    request_id: str


class RestartOptions(MutationOptions, total=False):
    #: ``ready`` when left out.
    wait: Literal["none", "started", "ready"]
    #: From TERM to KILL, in seconds, instead of the service's own stop timeout.
    stop_timeout: float
    #: All replicas of a service at the same time, not one after the other.
    at_once: bool


class StartOptions(MutationOptions, total=False):
    #: ``ready`` when left out.
    wait: Literal["none", "started", "ready"]
    #: Do not start it again when it ends.
    once: bool


class StopOptions(MutationOptions, total=False):
    #: ``stopped`` when left out.
    wait: Literal["none", "stopped"]
    #: From TERM to KILL, in seconds, instead of the service's own stop timeout.
    stop_timeout: float
    #: Stops the services that need these too, and before them.
    with_dependents: bool


class SignalOptions(MutationOptions, total=False):
    #: To the whole process group, not to the main process alone.
    group: bool
    #: Only if this run is still the current one.
    expected_run_id: str


class HoldOptions(MutationOptions, total=False):
    #: How long, in seconds; 15 minutes when left out.
    duration: float
    #: Why: shown wherever the service is.
    reason: str
    #: A shutdown sends it no signal but KILL, at its deadline.
    through_shutdown: bool


class ScaleOptions(TypedDict, total=False):
    wait: Literal["none", "started", "ready"]
    wait_timeout: float
    request_id: str


class RunOptions(ScaleOptions, total=False):
    #: Further keys of service.yaml: ``{"ready": {"tcp": "localhost:3000"}, "user": "app"}``.
    definition: Mapping[str, object]
    #: The service stays, down, when it is stopped; otherwise it is removed then.
    keep: bool


class LogOptions(TypedDict, total=False):
    #: Go on with new lines as they come.
    follow: bool
    #: The last so many lines of each service; all when left out.
    tail: int
    since: datetime.datetime
    until: datetime.datetime
    #: A regular expression; the server filters.
    grep: str
    stream: Literal["stdout", "stderr"]
    run: Literal["current", "previous"]
    #: Continue where an earlier reading ended.
    cursor: LogCursor


class ShutdownOptions(TypedDict, total=False):
    #: In words, for the log and the termination message.
    reason: str
    #: The container's exit code, where no main command has one.
    exit_code: int
    #: In seconds, instead of the configured shutdown timeout.
    timeout: float


_WAIT_LEVELS = {
    "none": services.WAIT_LEVEL_NONE,
    "started": services.WAIT_LEVEL_STARTED,
    "ready": services.WAIT_LEVEL_READY,
    "stopped": services.WAIT_LEVEL_STOPPED,
}


def new_id() -> str:
    """Names an order that the caller gave no name."""
    return str(uuid.uuid4())


def selector_of(names: Names, all: bool = False) -> services.Selector:
    """The services that the names stand for. None selects all, for reading."""
    given = words(names)
    globs = [word for word in given if "*" in word or "?" in word]
    return services.Selector(names=[word for word in given if word not in globs], globs=globs, all=all)


def duration_of(seconds: float | None) -> Duration | None:
    if seconds is None:
        return None
    duration = Duration()
    duration.FromNanoseconds(round(seconds * 1_000_000_000))
    return duration


def timestamp_of(time: datetime.datetime | None) -> Timestamp | None:
    if time is None:
        return None
    timestamp = Timestamp()
    timestamp.FromDatetime(time)
    return timestamp


def start(names: Names, options: StartOptions) -> services.StartRequest:
    return services.StartRequest(**_waiting(names, options), once=options.get("once", False))


def stop(names: Names, options: StopOptions) -> services.StopRequest:
    return services.StopRequest(
        **_waiting(names, options),
        stop_timeout=duration_of(options.get("stop_timeout")),
        with_dependents=options.get("with_dependents", False),
    )


def restart(names: Names, options: RestartOptions) -> services.RestartRequest:
    stop_timeout = duration_of(options.get("stop_timeout"))
    at_once = options.get("at_once", False)
    return services.RestartRequest(**_waiting(names, options), stop_timeout=stop_timeout, at_once=at_once)


def reload(names: Names, options: MutationOptions) -> services.ReloadRequest:
    return services.ReloadRequest(**_common(names, options))


def hold(names: Names, options: HoldOptions) -> services.HoldRequest:
    return services.HoldRequest(
        **_common(names, options),
        duration=duration_of(options.get("duration")),
        reason=options.get("reason"),
        through_shutdown=options.get("through_shutdown", False),
    )


def release(names: Names, options: MutationOptions) -> services.ReleaseRequest:
    return services.ReleaseRequest(**_common(names, options))


def reset(names: Names, options: MutationOptions) -> services.ResetRequest:
    return services.ResetRequest(**_common(names, options))


def signal(names: Names, signal: str, options: SignalOptions) -> services.SignalRequest:
    return services.SignalRequest(
        **_common(names, options),
        signal=signal,
        group=options.get("group", False),
        expected_run_id=options.get("expected_run_id"),
    )


def scale(name: str, replicas: int, options: ScaleOptions) -> services.ScaleRequest:
    return services.ScaleRequest(name=name, replicas=replicas, **_alone(options))


def run(name: str, command: Iterable[str], options: RunOptions) -> services.RunRequest:
    definition = options.get("definition")
    return services.RunRequest(
        name=name,
        command=command,
        definition=None if definition is None else json.dumps(definition),
        keep=options.get("keep", False),
        **_alone(options),
    )


def usage(names: Names, interval: float | None) -> services.WatchUsageRequest:
    return services.WatchUsageRequest(selector=selector_of(names), interval=duration_of(interval))


def usage_silence(response: services.WatchUsageResponse) -> float:
    """A connection that misses samples for so long is replaced, with time for a busy machine."""
    return response.interval_seconds * 2.5 + 5


def _alone(options: ScaleOptions) -> dict[str, Any]:
    wait = options.get("wait")
    return {
        "request_id": options.get("request_id"),
        "wait": _WAIT_LEVELS[wait] if wait else None,
        "wait_timeout": duration_of(options.get("wait_timeout")),
    }


def _common(names: Names, options: MutationOptions) -> dict[str, Any]:
    selector = selector_of(names, options.get("all", False))
    return {"selector": selector, "request_id": options.get("request_id")}


def _waiting(names: Names, options: StartOptions | StopOptions | RestartOptions) -> dict[str, Any]:
    wait = options.get("wait")
    return {
        **_common(names, options),
        "wait": _WAIT_LEVELS[wait] if wait else None,
        "wait_timeout": duration_of(options.get("wait_timeout")),
    }


def shutdown(options: ShutdownOptions) -> init.ShutdownRequest:
    return init.ShutdownRequest(
        reason=options.get("reason"),
        exit_code=options.get("exit_code"),
        timeout=duration_of(options.get("timeout")),
    )


def apply(names: Names, dry_run: bool, request_id: str | None) -> definitions.ApplyRequest:
    return definitions.ApplyRequest(names=words(names), dry_run=dry_run, request_id=request_id or new_id())


def rescan(request_id: str | None) -> init.RescanRequest:
    return init.RescanRequest(request_id=request_id or new_id())


def reexec(request_id: str | None) -> init.ReexecRequest:
    return init.ReexecRequest(request_id=request_id or new_id())


def words(names: Names) -> list[str]:
    return [names] if isinstance(names, str) else list(names)
