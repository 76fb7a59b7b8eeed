"""Client for my_init: ``connect()`` for plain calls, ``my_init.aio.connect()`` for asyncio."""

from .address import default_socket
from .cancellation import Cancellation
from .client import MyInit, connect
from .errors import MyInitError, Reason
from .log_events import CaughtUp, Line, LogEvent, LogGap, Marker
from .outcome import Outcome
from .v1.definitions_pb2 import ApplyAction
from .v1.errors_pb2 import ErrorReason
from .v1.logs_pb2 import LogCursor, LogMarkerKind, LogStream
from .v1.service_pb2 import DesiredState, Service, ServiceState
from .watch_events import Change, LimitsChange, WatchGap, ServiceChange, Snapshot, WatchEvent

__all__ = [
    "ApplyAction",
    "Cancellation",
    "CaughtUp",
    "Change",
    "DesiredState",
    "ErrorReason",
    "Line",
    "LogCursor",
    "LogEvent",
    "LogMarkerKind",
    "LogStream",
    "LimitsChange",
    "WatchGap",
    "LogGap",
    "Marker",
    "MyInit",
    "MyInitError",
    "Outcome",
    "Reason",
    "Service",
    "ServiceChange",
    "ServiceState",
    "Snapshot",
    "WatchEvent",
    "connect",
    "default_socket",
]
