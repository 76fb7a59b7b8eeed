from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from my_init.v1 import service_pb2 as _service_pb2
from my_init.v1 import services_pb2 as _services_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor
LOG_MARKER_KIND_EXITED: LogMarkerKind
LOG_MARKER_KIND_READY: LogMarkerKind
LOG_MARKER_KIND_STARTED: LogMarkerKind
LOG_MARKER_KIND_UNSPECIFIED: LogMarkerKind
LOG_STREAM_STDERR: LogStream
LOG_STREAM_STDOUT: LogStream
LOG_STREAM_UNSPECIFIED: LogStream
RUN_SELECTOR_CURRENT: RunSelector
RUN_SELECTOR_PREVIOUS: RunSelector
RUN_SELECTOR_UNSPECIFIED: RunSelector

class LogCaughtUp(_message.Message):
    __slots__ = []
    def __init__(self) -> None: ...

class LogCursor(_message.Message):
    __slots__ = ["services"]
    class ServicesEntry(_message.Message):
        __slots__ = ["key", "value"]
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    SERVICES_FIELD_NUMBER: _ClassVar[int]
    services: _containers.ScalarMap[str, str]
    def __init__(self, services: _Optional[_Mapping[str, str]] = ...) -> None: ...

class LogGap(_message.Message):
    __slots__ = ["bytes", "lines", "service"]
    BYTES_FIELD_NUMBER: _ClassVar[int]
    LINES_FIELD_NUMBER: _ClassVar[int]
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    bytes: int
    lines: int
    service: str
    def __init__(self, service: _Optional[str] = ..., lines: _Optional[int] = ..., bytes: _Optional[int] = ...) -> None: ...

class LogHeartbeat(_message.Message):
    __slots__ = ["time"]
    TIME_FIELD_NUMBER: _ClassVar[int]
    time: _timestamp_pb2.Timestamp
    def __init__(self, time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class LogLine(_message.Message):
    __slots__ = ["partial", "service", "stream", "text", "time"]
    PARTIAL_FIELD_NUMBER: _ClassVar[int]
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    STREAM_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    partial: bool
    service: str
    stream: LogStream
    text: bytes
    time: _timestamp_pb2.Timestamp
    def __init__(self, service: _Optional[str] = ..., stream: _Optional[_Union[LogStream, str]] = ..., time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., text: _Optional[bytes] = ..., partial: bool = ...) -> None: ...

class LogLines(_message.Message):
    __slots__ = ["lines"]
    LINES_FIELD_NUMBER: _ClassVar[int]
    lines: _containers.RepeatedCompositeFieldContainer[LogLine]
    def __init__(self, lines: _Optional[_Iterable[_Union[LogLine, _Mapping]]] = ...) -> None: ...

class LogMarker(_message.Message):
    __slots__ = ["exit", "kind", "run", "run_id", "service", "time"]
    EXIT_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    RUN_FIELD_NUMBER: _ClassVar[int]
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    exit: _service_pb2.Exit
    kind: LogMarkerKind
    run: int
    run_id: str
    service: str
    time: _timestamp_pb2.Timestamp
    def __init__(self, service: _Optional[str] = ..., kind: _Optional[_Union[LogMarkerKind, str]] = ..., time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., run: _Optional[int] = ..., run_id: _Optional[str] = ..., exit: _Optional[_Union[_service_pb2.Exit, _Mapping]] = ...) -> None: ...

class ReadRequest(_message.Message):
    __slots__ = ["cursor", "follow", "grep", "heartbeat_interval", "run", "selector", "since", "stream", "tail", "until"]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    FOLLOW_FIELD_NUMBER: _ClassVar[int]
    GREP_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_INTERVAL_FIELD_NUMBER: _ClassVar[int]
    RUN_FIELD_NUMBER: _ClassVar[int]
    SELECTOR_FIELD_NUMBER: _ClassVar[int]
    SINCE_FIELD_NUMBER: _ClassVar[int]
    STREAM_FIELD_NUMBER: _ClassVar[int]
    TAIL_FIELD_NUMBER: _ClassVar[int]
    UNTIL_FIELD_NUMBER: _ClassVar[int]
    cursor: LogCursor
    follow: bool
    grep: str
    heartbeat_interval: _duration_pb2.Duration
    run: RunSelector
    selector: _services_pb2.Selector
    since: _timestamp_pb2.Timestamp
    stream: LogStream
    tail: int
    until: _timestamp_pb2.Timestamp
    def __init__(self, selector: _Optional[_Union[_services_pb2.Selector, _Mapping]] = ..., tail: _Optional[int] = ..., since: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., cursor: _Optional[_Union[LogCursor, _Mapping]] = ..., until: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., follow: bool = ..., stream: _Optional[_Union[LogStream, str]] = ..., run: _Optional[_Union[RunSelector, str]] = ..., grep: _Optional[str] = ..., heartbeat_interval: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class ReadResponse(_message.Message):
    __slots__ = ["caught_up", "cursor", "gap", "heartbeat", "lines", "marker"]
    CAUGHT_UP_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    GAP_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_FIELD_NUMBER: _ClassVar[int]
    LINES_FIELD_NUMBER: _ClassVar[int]
    MARKER_FIELD_NUMBER: _ClassVar[int]
    caught_up: LogCaughtUp
    cursor: LogCursor
    gap: LogGap
    heartbeat: LogHeartbeat
    lines: LogLines
    marker: LogMarker
    def __init__(self, lines: _Optional[_Union[LogLines, _Mapping]] = ..., gap: _Optional[_Union[LogGap, _Mapping]] = ..., marker: _Optional[_Union[LogMarker, _Mapping]] = ..., caught_up: _Optional[_Union[LogCaughtUp, _Mapping]] = ..., heartbeat: _Optional[_Union[LogHeartbeat, _Mapping]] = ..., cursor: _Optional[_Union[LogCursor, _Mapping]] = ...) -> None: ...

class LogStream(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []

class RunSelector(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []

class LogMarkerKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []
