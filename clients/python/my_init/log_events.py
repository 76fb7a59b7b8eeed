"""The events of a reader of logs, and its cursor."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Union

import grpc

from .errors import MyInitError
from .requests import Names, duration_of, selector_of, timestamp_of
from .v1 import logs_pb2
from .v1.logs_pb2 import LogCursor, LogStream

if TYPE_CHECKING:
    from .requests import LogOptions

_HEARTBEAT_SECONDS = 15
#: Two heartbeats may be missed.
_SILENCE_SECONDS = 2.5 * _HEARTBEAT_SECONDS

_STREAMS = {"stdout": logs_pb2.LOG_STREAM_STDOUT, "stderr": logs_pb2.LOG_STREAM_STDERR}
_RUNS = {"current": logs_pb2.RUN_SELECTOR_CURRENT, "previous": logs_pb2.RUN_SELECTOR_PREVIOUS}


@dataclass(frozen=True)
class Line:
    service: str
    stream: LogStream
    #: When it was captured. A datetime has microseconds; my_init counts nanoseconds.
    time: datetime.datetime
    #: The bytes of the line without its line end, as they were written.
    bytes: bytes
    #: The line goes on in the next one of this service and stream.
    partial: bool

    @property
    def text(self) -> str:
        return self.bytes.decode("utf-8", "replace")


@dataclass(frozen=True)
class LogGap:
    """A gap: lines that were overwritten, or not stored, before they could be read."""

    service: str
    lines: int
    bytes: int


@dataclass(frozen=True)
class Marker:
    """A run began, was ready or ended."""

    marker: logs_pb2.LogMarker


@dataclass(frozen=True)
class CaughtUp:
    """Every line from before the call has been read; the lines that follow are live."""

    cursor: LogCursor


LogEvent = Union[Line, LogGap, Marker, CaughtUp]


class Reading:
    """Where a reader is."""

    def __init__(self, names: Names, options: LogOptions) -> None:
        given = options.get("cursor")
        self._cursor = LogCursor(services=given.services if given else {})
        self._continues = given is not None
        self._first = _request(names, options)
        self.follow = self._first.follow
        self.complete = False

    def request(self) -> logs_pb2.ReadRequest:
        request = logs_pb2.ReadRequest()
        request.CopyFrom(self._first)
        if self._continues:
            request.ClearField("tail")
            request.cursor.CopyFrom(self._cursor)
        return request

    def silence(self, response: logs_pb2.ReadResponse) -> float | None:
        return _SILENCE_SECONDS

    def retries(self, error: MyInitError) -> bool:
        """The cursor is of another boot: everything there is new."""
        if error.code is not grpc.StatusCode.OUT_OF_RANGE:
            return False
        self._cursor = LogCursor()
        self._continues = True
        return True

    def take(self, response: logs_pb2.ReadResponse) -> Iterable[LogEvent]:
        """The events of an answer. They count as read once the caller has taken all of them."""
        kind = response.WhichOneof("event")
        if kind == "lines":
            for line in response.lines.lines:
                time = line.time.ToDatetime(datetime.timezone.utc)
                yield Line(line.service, line.stream, time, line.text, line.partial)
        elif kind == "gap":
            yield LogGap(response.gap.service, response.gap.lines, response.gap.bytes)
        elif kind == "marker":
            yield Marker(response.marker)
        self._advance(response)
        if kind == "caught_up":
            self.complete = not self.follow
            yield CaughtUp(LogCursor(services=self._cursor.services))

    def _advance(self, response: logs_pb2.ReadResponse) -> None:
        if response.HasField("cursor"):
            self._continues = True
            self._cursor.services.update(response.cursor.services)


def _request(names: Names, options: LogOptions) -> logs_pb2.ReadRequest:
    stream, run = options.get("stream"), options.get("run")
    return logs_pb2.ReadRequest(
        selector=selector_of(names),
        tail=options.get("tail"),
        since=timestamp_of(options.get("since")),
        until=timestamp_of(options.get("until")),
        follow=options.get("follow", False),
        stream=_STREAMS[stream] if stream else None,
        run=_RUNS[run] if run else None,
        grep=options.get("grep"),
        heartbeat_interval=duration_of(_HEARTBEAT_SECONDS),
    )
