from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

CAUSE_KIND_API: CauseKind
CAUSE_KIND_BOOT: CauseKind
CAUSE_KIND_CHECK: CauseKind
CAUSE_KIND_DEPENDENCY: CauseKind
CAUSE_KIND_EXIT: CauseKind
CAUSE_KIND_MEMORY: CauseKind
CAUSE_KIND_SCAN: CauseKind
CAUSE_KIND_SHUTDOWN: CauseKind
CAUSE_KIND_SIGNAL: CauseKind
CAUSE_KIND_SV: CauseKind
CAUSE_KIND_UNSPECIFIED: CauseKind
DESCRIPTOR: _descriptor.FileDescriptor
DESIRED_STATE_DOWN: DesiredState
DESIRED_STATE_ONCE: DesiredState
DESIRED_STATE_UNSPECIFIED: DesiredState
DESIRED_STATE_UP: DesiredState
SERVICE_STATE_BACKOFF: ServiceState
SERVICE_STATE_COMPLETED: ServiceState
SERVICE_STATE_DOWN: ServiceState
SERVICE_STATE_FAILED: ServiceState
SERVICE_STATE_FINISHING: ServiceState
SERVICE_STATE_STARTING: ServiceState
SERVICE_STATE_STOPPING: ServiceState
SERVICE_STATE_UNSPECIFIED: ServiceState
SERVICE_STATE_UP: ServiceState
SERVICE_STATE_WAITING: ServiceState

class Cause(_message.Message):
    __slots__ = ["actor", "kind", "message"]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    actor: str
    kind: CauseKind
    message: str
    def __init__(self, kind: _Optional[_Union[CauseKind, str]] = ..., actor: _Optional[str] = ..., message: _Optional[str] = ...) -> None: ...

class Exit(_message.Message):
    __slots__ = ["at", "code", "core_dumped", "expected", "lost", "oom", "run", "run_seconds", "signal"]
    AT_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    CORE_DUMPED_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_FIELD_NUMBER: _ClassVar[int]
    LOST_FIELD_NUMBER: _ClassVar[int]
    OOM_FIELD_NUMBER: _ClassVar[int]
    RUN_FIELD_NUMBER: _ClassVar[int]
    RUN_SECONDS_FIELD_NUMBER: _ClassVar[int]
    SIGNAL_FIELD_NUMBER: _ClassVar[int]
    at: _timestamp_pb2.Timestamp
    code: int
    core_dumped: bool
    expected: bool
    lost: bool
    oom: OomKill
    run: int
    run_seconds: float
    signal: str
    def __init__(self, run: _Optional[int] = ..., code: _Optional[int] = ..., signal: _Optional[str] = ..., core_dumped: bool = ..., at: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., run_seconds: _Optional[float] = ..., expected: bool = ..., lost: bool = ..., oom: _Optional[_Union[OomKill, _Mapping]] = ...) -> None: ...

class Hold(_message.Message):
    __slots__ = ["actor", "reason", "since", "through_shutdown", "until"]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    SINCE_FIELD_NUMBER: _ClassVar[int]
    THROUGH_SHUTDOWN_FIELD_NUMBER: _ClassVar[int]
    UNTIL_FIELD_NUMBER: _ClassVar[int]
    actor: str
    reason: str
    since: _timestamp_pb2.Timestamp
    through_shutdown: bool
    until: _timestamp_pb2.Timestamp
    def __init__(self, since: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., until: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., reason: _Optional[str] = ..., actor: _Optional[str] = ..., through_shutdown: bool = ...) -> None: ...

class OomKill(_message.Message):
    __slots__ = ["limit_bytes", "used_bytes"]
    LIMIT_BYTES_FIELD_NUMBER: _ClassVar[int]
    USED_BYTES_FIELD_NUMBER: _ClassVar[int]
    limit_bytes: int
    used_bytes: int
    def __init__(self, limit_bytes: _Optional[int] = ..., used_bytes: _Optional[int] = ...) -> None: ...

class Service(_message.Message):
    __slots__ = ["autostart", "cause", "consecutive_failures", "definition_changed", "desired", "directory", "hold", "last_exit", "name", "next_start_at", "optional", "paused", "pid", "ready", "reloading", "replica_of", "restarts_total", "run", "run_id", "started_at", "starts_total", "state", "state_since", "status_text", "tags", "transient", "trouble", "waits_for"]
    AUTOSTART_FIELD_NUMBER: _ClassVar[int]
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    CONSECUTIVE_FAILURES_FIELD_NUMBER: _ClassVar[int]
    DEFINITION_CHANGED_FIELD_NUMBER: _ClassVar[int]
    DESIRED_FIELD_NUMBER: _ClassVar[int]
    DIRECTORY_FIELD_NUMBER: _ClassVar[int]
    HOLD_FIELD_NUMBER: _ClassVar[int]
    LAST_EXIT_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    NEXT_START_AT_FIELD_NUMBER: _ClassVar[int]
    OPTIONAL_FIELD_NUMBER: _ClassVar[int]
    PAUSED_FIELD_NUMBER: _ClassVar[int]
    PID_FIELD_NUMBER: _ClassVar[int]
    READY_FIELD_NUMBER: _ClassVar[int]
    RELOADING_FIELD_NUMBER: _ClassVar[int]
    REPLICA_OF_FIELD_NUMBER: _ClassVar[int]
    RESTARTS_TOTAL_FIELD_NUMBER: _ClassVar[int]
    RUN_FIELD_NUMBER: _ClassVar[int]
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    STARTED_AT_FIELD_NUMBER: _ClassVar[int]
    STARTS_TOTAL_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    STATE_SINCE_FIELD_NUMBER: _ClassVar[int]
    STATUS_TEXT_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    TRANSIENT_FIELD_NUMBER: _ClassVar[int]
    TROUBLE_FIELD_NUMBER: _ClassVar[int]
    WAITS_FOR_FIELD_NUMBER: _ClassVar[int]
    autostart: bool
    cause: Cause
    consecutive_failures: int
    definition_changed: bool
    desired: DesiredState
    directory: str
    hold: Hold
    last_exit: Exit
    name: str
    next_start_at: _timestamp_pb2.Timestamp
    optional: bool
    paused: bool
    pid: int
    ready: bool
    reloading: bool
    replica_of: str
    restarts_total: int
    run: int
    run_id: str
    started_at: _timestamp_pb2.Timestamp
    starts_total: int
    state: ServiceState
    state_since: _timestamp_pb2.Timestamp
    status_text: str
    tags: _containers.RepeatedScalarFieldContainer[str]
    transient: bool
    trouble: str
    waits_for: _containers.RepeatedCompositeFieldContainer[UnmetCondition]
    def __init__(self, name: _Optional[str] = ..., directory: _Optional[str] = ..., state: _Optional[_Union[ServiceState, str]] = ..., desired: _Optional[_Union[DesiredState, str]] = ..., ready: bool = ..., paused: bool = ..., state_since: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., pid: _Optional[int] = ..., run: _Optional[int] = ..., run_id: _Optional[str] = ..., started_at: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., starts_total: _Optional[int] = ..., restarts_total: _Optional[int] = ..., consecutive_failures: _Optional[int] = ..., last_exit: _Optional[_Union[Exit, _Mapping]] = ..., next_start_at: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., cause: _Optional[_Union[Cause, _Mapping]] = ..., trouble: _Optional[str] = ..., autostart: bool = ..., waits_for: _Optional[_Iterable[_Union[UnmetCondition, _Mapping]]] = ..., definition_changed: bool = ..., hold: _Optional[_Union[Hold, _Mapping]] = ..., status_text: _Optional[str] = ..., reloading: bool = ..., transient: bool = ..., tags: _Optional[_Iterable[str]] = ..., replica_of: _Optional[str] = ..., optional: bool = ...) -> None: ...

class UnmetCondition(_message.Message):
    __slots__ = ["condition", "reason", "service"]
    CONDITION_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    condition: str
    reason: str
    service: str
    def __init__(self, service: _Optional[str] = ..., condition: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class ServiceState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []

class DesiredState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []

class CauseKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []
