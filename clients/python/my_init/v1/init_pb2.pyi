from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

BOOT_OUTCOME_COMPLETED: BootOutcome
BOOT_OUTCOME_FAILED: BootOutcome
BOOT_OUTCOME_NOT_WANTED: BootOutcome
BOOT_OUTCOME_PENDING: BootOutcome
BOOT_OUTCOME_READY: BootOutcome
BOOT_OUTCOME_UNSPECIFIED: BootOutcome
BOOT_STEP_KIND_CONTROLLER: BootStepKind
BOOT_STEP_KIND_SCRIPT: BootStepKind
BOOT_STEP_KIND_SERVICE: BootStepKind
BOOT_STEP_KIND_UNSPECIFIED: BootStepKind
DESCRIPTOR: _descriptor.FileDescriptor
PHASE_BOOTING: Phase
PHASE_RUNNING: Phase
PHASE_SHUTTING_DOWN: Phase
PHASE_UNSPECIFIED: Phase
PROCESS_ROLE_CONTROLLER: ProcessRole
PROCESS_ROLE_INIT: ProcessRole
PROCESS_ROLE_MAIN_COMMAND: ProcessRole
PROCESS_ROLE_OTHER: ProcessRole
PROCESS_ROLE_SERVICE: ProcessRole
PROCESS_ROLE_SERVICE_CHILD: ProcessRole
PROCESS_ROLE_UNSPECIFIED: ProcessRole
PROCESS_ROLE_ZOMBIE: ProcessRole

class BootStep(_message.Message):
    __slots__ = ["critical", "ended_seconds", "kind", "name", "outcome", "started_seconds", "waited_for", "wanted_seconds"]
    CRITICAL_FIELD_NUMBER: _ClassVar[int]
    ENDED_SECONDS_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    STARTED_SECONDS_FIELD_NUMBER: _ClassVar[int]
    WAITED_FOR_FIELD_NUMBER: _ClassVar[int]
    WANTED_SECONDS_FIELD_NUMBER: _ClassVar[int]
    critical: bool
    ended_seconds: float
    kind: BootStepKind
    name: str
    outcome: BootOutcome
    started_seconds: float
    waited_for: str
    wanted_seconds: float
    def __init__(self, kind: _Optional[_Union[BootStepKind, str]] = ..., name: _Optional[str] = ..., wanted_seconds: _Optional[float] = ..., waited_for: _Optional[str] = ..., started_seconds: _Optional[float] = ..., ended_seconds: _Optional[float] = ..., outcome: _Optional[_Union[BootOutcome, str]] = ..., critical: bool = ...) -> None: ...

class ContainerLimits(_message.Message):
    __slots__ = ["cpus", "memory_bytes"]
    CPUS_FIELD_NUMBER: _ClassVar[int]
    MEMORY_BYTES_FIELD_NUMBER: _ClassVar[int]
    cpus: float
    memory_bytes: int
    def __init__(self, memory_bytes: _Optional[int] = ..., cpus: _Optional[float] = ...) -> None: ...

class ControllerEnd(_message.Message):
    __slots__ = ["at", "cause", "last_words", "text"]
    AT_FIELD_NUMBER: _ClassVar[int]
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    LAST_WORDS_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    at: _timestamp_pb2.Timestamp
    cause: str
    last_words: str
    text: str
    def __init__(self, cause: _Optional[str] = ..., text: _Optional[str] = ..., at: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., last_words: _Optional[str] = ...) -> None: ...

class GetBootRequest(_message.Message):
    __slots__ = []
    def __init__(self) -> None: ...

class GetBootResponse(_message.Message):
    __slots__ = ["booted_at", "now_seconds", "ready_seconds", "steps"]
    BOOTED_AT_FIELD_NUMBER: _ClassVar[int]
    NOW_SECONDS_FIELD_NUMBER: _ClassVar[int]
    READY_SECONDS_FIELD_NUMBER: _ClassVar[int]
    STEPS_FIELD_NUMBER: _ClassVar[int]
    booted_at: _timestamp_pb2.Timestamp
    now_seconds: float
    ready_seconds: float
    steps: _containers.RepeatedCompositeFieldContainer[BootStep]
    def __init__(self, booted_at: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., ready_seconds: _Optional[float] = ..., steps: _Optional[_Iterable[_Union[BootStep, _Mapping]]] = ..., now_seconds: _Optional[float] = ...) -> None: ...

class GetInfoRequest(_message.Message):
    __slots__ = []
    def __init__(self) -> None: ...

class GetInfoResponse(_message.Message):
    __slots__ = ["boot_id", "booted_at", "controller_ends", "controller_pid", "controller_restarts", "controller_started_at", "http_address", "last_controller_end", "limits", "log_losses", "may_change", "node_version", "phase", "pid", "pid1", "service_directory", "shutdown_timeout_seconds", "socket", "subreaper", "version", "zombies_reaped_total"]
    class ControllerEndsEntry(_message.Message):
        __slots__ = ["key", "value"]
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    BOOTED_AT_FIELD_NUMBER: _ClassVar[int]
    BOOT_ID_FIELD_NUMBER: _ClassVar[int]
    CONTROLLER_ENDS_FIELD_NUMBER: _ClassVar[int]
    CONTROLLER_PID_FIELD_NUMBER: _ClassVar[int]
    CONTROLLER_RESTARTS_FIELD_NUMBER: _ClassVar[int]
    CONTROLLER_STARTED_AT_FIELD_NUMBER: _ClassVar[int]
    HTTP_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    LAST_CONTROLLER_END_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    LOG_LOSSES_FIELD_NUMBER: _ClassVar[int]
    MAY_CHANGE_FIELD_NUMBER: _ClassVar[int]
    NODE_VERSION_FIELD_NUMBER: _ClassVar[int]
    PHASE_FIELD_NUMBER: _ClassVar[int]
    PID1_FIELD_NUMBER: _ClassVar[int]
    PID_FIELD_NUMBER: _ClassVar[int]
    SERVICE_DIRECTORY_FIELD_NUMBER: _ClassVar[int]
    SHUTDOWN_TIMEOUT_SECONDS_FIELD_NUMBER: _ClassVar[int]
    SOCKET_FIELD_NUMBER: _ClassVar[int]
    SUBREAPER_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    ZOMBIES_REAPED_TOTAL_FIELD_NUMBER: _ClassVar[int]
    boot_id: str
    booted_at: _timestamp_pb2.Timestamp
    controller_ends: _containers.ScalarMap[str, int]
    controller_pid: int
    controller_restarts: int
    controller_started_at: _timestamp_pb2.Timestamp
    http_address: str
    last_controller_end: ControllerEnd
    limits: ContainerLimits
    log_losses: _containers.RepeatedCompositeFieldContainer[LogLoss]
    may_change: bool
    node_version: str
    phase: Phase
    pid: int
    pid1: bool
    service_directory: str
    shutdown_timeout_seconds: float
    socket: str
    subreaper: bool
    version: str
    zombies_reaped_total: int
    def __init__(self, version: _Optional[str] = ..., node_version: _Optional[str] = ..., boot_id: _Optional[str] = ..., booted_at: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., pid: _Optional[int] = ..., pid1: bool = ..., subreaper: bool = ..., controller_pid: _Optional[int] = ..., controller_restarts: _Optional[int] = ..., controller_started_at: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., phase: _Optional[_Union[Phase, str]] = ..., service_directory: _Optional[str] = ..., socket: _Optional[str] = ..., http_address: _Optional[str] = ..., shutdown_timeout_seconds: _Optional[float] = ..., zombies_reaped_total: _Optional[int] = ..., may_change: bool = ..., controller_ends: _Optional[_Mapping[str, int]] = ..., last_controller_end: _Optional[_Union[ControllerEnd, _Mapping]] = ..., log_losses: _Optional[_Iterable[_Union[LogLoss, _Mapping]]] = ..., limits: _Optional[_Union[ContainerLimits, _Mapping]] = ...) -> None: ...

class ListProcessesRequest(_message.Message):
    __slots__ = []
    def __init__(self) -> None: ...

class ListProcessesResponse(_message.Message):
    __slots__ = ["processes"]
    PROCESSES_FIELD_NUMBER: _ClassVar[int]
    processes: _containers.RepeatedCompositeFieldContainer[Process]
    def __init__(self, processes: _Optional[_Iterable[_Union[Process, _Mapping]]] = ...) -> None: ...

class LogLoss(_message.Message):
    __slots__ = ["lines", "source", "waiting_lines"]
    LINES_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    WAITING_LINES_FIELD_NUMBER: _ClassVar[int]
    lines: int
    source: str
    waiting_lines: int
    def __init__(self, source: _Optional[str] = ..., lines: _Optional[int] = ..., waiting_lines: _Optional[int] = ...) -> None: ...

class Process(_message.Message):
    __slots__ = ["cpu_seconds", "name", "parent_pid", "pid", "resident_bytes", "role", "service", "session", "started_at", "state"]
    CPU_SECONDS_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    PARENT_PID_FIELD_NUMBER: _ClassVar[int]
    PID_FIELD_NUMBER: _ClassVar[int]
    RESIDENT_BYTES_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    SESSION_FIELD_NUMBER: _ClassVar[int]
    STARTED_AT_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    cpu_seconds: float
    name: str
    parent_pid: int
    pid: int
    resident_bytes: int
    role: ProcessRole
    service: str
    session: int
    started_at: _timestamp_pb2.Timestamp
    state: str
    def __init__(self, pid: _Optional[int] = ..., parent_pid: _Optional[int] = ..., session: _Optional[int] = ..., state: _Optional[str] = ..., service: _Optional[str] = ..., role: _Optional[_Union[ProcessRole, str]] = ..., name: _Optional[str] = ..., started_at: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., resident_bytes: _Optional[int] = ..., cpu_seconds: _Optional[float] = ...) -> None: ...

class ReexecRequest(_message.Message):
    __slots__ = ["request_id"]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    def __init__(self, request_id: _Optional[str] = ...) -> None: ...

class ReexecResponse(_message.Message):
    __slots__ = ["controller_pid", "version", "version_before"]
    CONTROLLER_PID_FIELD_NUMBER: _ClassVar[int]
    VERSION_BEFORE_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    controller_pid: int
    version: str
    version_before: str
    def __init__(self, version_before: _Optional[str] = ..., version: _Optional[str] = ..., controller_pid: _Optional[int] = ...) -> None: ...

class RescanRequest(_message.Message):
    __slots__ = ["request_id"]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    def __init__(self, request_id: _Optional[str] = ...) -> None: ...

class RescanResponse(_message.Message):
    __slots__ = ["added", "removed", "skipped"]
    ADDED_FIELD_NUMBER: _ClassVar[int]
    REMOVED_FIELD_NUMBER: _ClassVar[int]
    SKIPPED_FIELD_NUMBER: _ClassVar[int]
    added: _containers.RepeatedScalarFieldContainer[str]
    removed: _containers.RepeatedScalarFieldContainer[str]
    skipped: _containers.RepeatedCompositeFieldContainer[SkippedEntry]
    def __init__(self, added: _Optional[_Iterable[str]] = ..., removed: _Optional[_Iterable[str]] = ..., skipped: _Optional[_Iterable[_Union[SkippedEntry, _Mapping]]] = ...) -> None: ...

class ShutdownProgress(_message.Message):
    __slots__ = ["client_service", "elapsed_seconds", "remaining", "remaining_seconds", "stage"]
    CLIENT_SERVICE_FIELD_NUMBER: _ClassVar[int]
    ELAPSED_SECONDS_FIELD_NUMBER: _ClassVar[int]
    REMAINING_FIELD_NUMBER: _ClassVar[int]
    REMAINING_SECONDS_FIELD_NUMBER: _ClassVar[int]
    STAGE_FIELD_NUMBER: _ClassVar[int]
    client_service: str
    elapsed_seconds: float
    remaining: _containers.RepeatedScalarFieldContainer[str]
    remaining_seconds: float
    stage: str
    def __init__(self, stage: _Optional[str] = ..., remaining: _Optional[_Iterable[str]] = ..., elapsed_seconds: _Optional[float] = ..., remaining_seconds: _Optional[float] = ..., client_service: _Optional[str] = ...) -> None: ...

class ShutdownRequest(_message.Message):
    __slots__ = ["exit_code", "reason", "timeout"]
    EXIT_CODE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    exit_code: int
    reason: str
    timeout: _duration_pb2.Duration
    def __init__(self, reason: _Optional[str] = ..., exit_code: _Optional[int] = ..., timeout: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class SkippedEntry(_message.Message):
    __slots__ = ["name", "reason"]
    NAME_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    name: str
    reason: str
    def __init__(self, name: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class Phase(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []

class BootStepKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []

class BootOutcome(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []

class ProcessRole(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []
