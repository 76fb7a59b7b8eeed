from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.rpc import status_pb2 as _status_pb2
from my_init.v1 import init_pb2 as _init_pb2
from my_init.v1 import service_pb2 as _service_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor
WAIT_LEVEL_NONE: WaitLevel
WAIT_LEVEL_READY: WaitLevel
WAIT_LEVEL_STARTED: WaitLevel
WAIT_LEVEL_STOPPED: WaitLevel
WAIT_LEVEL_UNSPECIFIED: WaitLevel

class GetRequest(_message.Message):
    __slots__ = ["name"]
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class GetResponse(_message.Message):
    __slots__ = ["service"]
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    service: _service_pb2.Service
    def __init__(self, service: _Optional[_Union[_service_pb2.Service, _Mapping]] = ...) -> None: ...

class HoldRequest(_message.Message):
    __slots__ = ["duration", "reason", "request_id", "selector", "through_shutdown"]
    DURATION_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SELECTOR_FIELD_NUMBER: _ClassVar[int]
    THROUGH_SHUTDOWN_FIELD_NUMBER: _ClassVar[int]
    duration: _duration_pb2.Duration
    reason: str
    request_id: str
    selector: Selector
    through_shutdown: bool
    def __init__(self, selector: _Optional[_Union[Selector, _Mapping]] = ..., duration: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ..., reason: _Optional[str] = ..., through_shutdown: bool = ..., request_id: _Optional[str] = ...) -> None: ...

class ListRequest(_message.Message):
    __slots__ = ["selector"]
    SELECTOR_FIELD_NUMBER: _ClassVar[int]
    selector: Selector
    def __init__(self, selector: _Optional[_Union[Selector, _Mapping]] = ...) -> None: ...

class ListResponse(_message.Message):
    __slots__ = ["boot_id", "log_losses", "revision", "services"]
    BOOT_ID_FIELD_NUMBER: _ClassVar[int]
    LOG_LOSSES_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    SERVICES_FIELD_NUMBER: _ClassVar[int]
    boot_id: str
    log_losses: _containers.RepeatedCompositeFieldContainer[_init_pb2.LogLoss]
    revision: int
    services: _containers.RepeatedCompositeFieldContainer[_service_pb2.Service]
    def __init__(self, services: _Optional[_Iterable[_Union[_service_pb2.Service, _Mapping]]] = ..., revision: _Optional[int] = ..., boot_id: _Optional[str] = ..., log_losses: _Optional[_Iterable[_Union[_init_pb2.LogLoss, _Mapping]]] = ...) -> None: ...

class OperationResponse(_message.Message):
    __slots__ = ["outcomes"]
    OUTCOMES_FIELD_NUMBER: _ClassVar[int]
    outcomes: _containers.RepeatedCompositeFieldContainer[Outcome]
    def __init__(self, outcomes: _Optional[_Iterable[_Union[Outcome, _Mapping]]] = ...) -> None: ...

class Outcome(_message.Message):
    __slots__ = ["changed", "dependents", "error", "name", "old_pid", "seconds", "service"]
    CHANGED_FIELD_NUMBER: _ClassVar[int]
    DEPENDENTS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    OLD_PID_FIELD_NUMBER: _ClassVar[int]
    SECONDS_FIELD_NUMBER: _ClassVar[int]
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    changed: bool
    dependents: _containers.RepeatedScalarFieldContainer[str]
    error: _status_pb2.Status
    name: str
    old_pid: int
    seconds: float
    service: _service_pb2.Service
    def __init__(self, name: _Optional[str] = ..., changed: bool = ..., error: _Optional[_Union[_status_pb2.Status, _Mapping]] = ..., old_pid: _Optional[int] = ..., service: _Optional[_Union[_service_pb2.Service, _Mapping]] = ..., seconds: _Optional[float] = ..., dependents: _Optional[_Iterable[str]] = ...) -> None: ...

class ReleaseRequest(_message.Message):
    __slots__ = ["request_id", "selector"]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SELECTOR_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    selector: Selector
    def __init__(self, selector: _Optional[_Union[Selector, _Mapping]] = ..., request_id: _Optional[str] = ...) -> None: ...

class ReloadRequest(_message.Message):
    __slots__ = ["request_id", "selector"]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SELECTOR_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    selector: Selector
    def __init__(self, selector: _Optional[_Union[Selector, _Mapping]] = ..., request_id: _Optional[str] = ...) -> None: ...

class ResetRequest(_message.Message):
    __slots__ = ["request_id", "selector"]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SELECTOR_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    selector: Selector
    def __init__(self, selector: _Optional[_Union[Selector, _Mapping]] = ..., request_id: _Optional[str] = ...) -> None: ...

class RestartRequest(_message.Message):
    __slots__ = ["at_once", "request_id", "selector", "stop_timeout", "wait", "wait_timeout"]
    AT_ONCE_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SELECTOR_FIELD_NUMBER: _ClassVar[int]
    STOP_TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    WAIT_FIELD_NUMBER: _ClassVar[int]
    WAIT_TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    at_once: bool
    request_id: str
    selector: Selector
    stop_timeout: _duration_pb2.Duration
    wait: WaitLevel
    wait_timeout: _duration_pb2.Duration
    def __init__(self, selector: _Optional[_Union[Selector, _Mapping]] = ..., wait: _Optional[_Union[WaitLevel, str]] = ..., wait_timeout: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ..., stop_timeout: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ..., at_once: bool = ..., request_id: _Optional[str] = ...) -> None: ...

class RunRequest(_message.Message):
    __slots__ = ["command", "definition", "keep", "name", "request_id", "wait", "wait_timeout"]
    COMMAND_FIELD_NUMBER: _ClassVar[int]
    DEFINITION_FIELD_NUMBER: _ClassVar[int]
    KEEP_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    WAIT_FIELD_NUMBER: _ClassVar[int]
    WAIT_TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    command: _containers.RepeatedScalarFieldContainer[str]
    definition: str
    keep: bool
    name: str
    request_id: str
    wait: WaitLevel
    wait_timeout: _duration_pb2.Duration
    def __init__(self, name: _Optional[str] = ..., command: _Optional[_Iterable[str]] = ..., definition: _Optional[str] = ..., keep: bool = ..., wait: _Optional[_Union[WaitLevel, str]] = ..., wait_timeout: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ..., request_id: _Optional[str] = ...) -> None: ...

class ScaleRequest(_message.Message):
    __slots__ = ["name", "replicas", "request_id", "wait", "wait_timeout"]
    NAME_FIELD_NUMBER: _ClassVar[int]
    REPLICAS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    WAIT_FIELD_NUMBER: _ClassVar[int]
    WAIT_TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    name: str
    replicas: int
    request_id: str
    wait: WaitLevel
    wait_timeout: _duration_pb2.Duration
    def __init__(self, name: _Optional[str] = ..., replicas: _Optional[int] = ..., wait: _Optional[_Union[WaitLevel, str]] = ..., wait_timeout: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ..., request_id: _Optional[str] = ...) -> None: ...

class Selector(_message.Message):
    __slots__ = ["all", "globs", "names"]
    ALL_FIELD_NUMBER: _ClassVar[int]
    GLOBS_FIELD_NUMBER: _ClassVar[int]
    NAMES_FIELD_NUMBER: _ClassVar[int]
    all: bool
    globs: _containers.RepeatedScalarFieldContainer[str]
    names: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, names: _Optional[_Iterable[str]] = ..., globs: _Optional[_Iterable[str]] = ..., all: bool = ...) -> None: ...

class ServiceUsage(_message.Message):
    __slots__ = ["cpu_seconds", "cpus", "memory_bytes", "name", "open_descriptors", "processes", "threads"]
    CPUS_FIELD_NUMBER: _ClassVar[int]
    CPU_SECONDS_FIELD_NUMBER: _ClassVar[int]
    MEMORY_BYTES_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    OPEN_DESCRIPTORS_FIELD_NUMBER: _ClassVar[int]
    PROCESSES_FIELD_NUMBER: _ClassVar[int]
    THREADS_FIELD_NUMBER: _ClassVar[int]
    cpu_seconds: float
    cpus: float
    memory_bytes: int
    name: str
    open_descriptors: int
    processes: int
    threads: int
    def __init__(self, name: _Optional[str] = ..., cpu_seconds: _Optional[float] = ..., cpus: _Optional[float] = ..., memory_bytes: _Optional[int] = ..., processes: _Optional[int] = ..., threads: _Optional[int] = ..., open_descriptors: _Optional[int] = ...) -> None: ...

class SignalRequest(_message.Message):
    __slots__ = ["expected_run_id", "group", "request_id", "selector", "signal"]
    EXPECTED_RUN_ID_FIELD_NUMBER: _ClassVar[int]
    GROUP_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SELECTOR_FIELD_NUMBER: _ClassVar[int]
    SIGNAL_FIELD_NUMBER: _ClassVar[int]
    expected_run_id: str
    group: bool
    request_id: str
    selector: Selector
    signal: str
    def __init__(self, selector: _Optional[_Union[Selector, _Mapping]] = ..., signal: _Optional[str] = ..., group: bool = ..., expected_run_id: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class StartRequest(_message.Message):
    __slots__ = ["once", "request_id", "selector", "wait", "wait_timeout"]
    ONCE_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SELECTOR_FIELD_NUMBER: _ClassVar[int]
    WAIT_FIELD_NUMBER: _ClassVar[int]
    WAIT_TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    once: bool
    request_id: str
    selector: Selector
    wait: WaitLevel
    wait_timeout: _duration_pb2.Duration
    def __init__(self, selector: _Optional[_Union[Selector, _Mapping]] = ..., wait: _Optional[_Union[WaitLevel, str]] = ..., wait_timeout: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ..., once: bool = ..., request_id: _Optional[str] = ...) -> None: ...

class StopRequest(_message.Message):
    __slots__ = ["request_id", "selector", "stop_timeout", "wait", "wait_timeout", "with_dependents"]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SELECTOR_FIELD_NUMBER: _ClassVar[int]
    STOP_TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    WAIT_FIELD_NUMBER: _ClassVar[int]
    WAIT_TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    WITH_DEPENDENTS_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    selector: Selector
    stop_timeout: _duration_pb2.Duration
    wait: WaitLevel
    wait_timeout: _duration_pb2.Duration
    with_dependents: bool
    def __init__(self, selector: _Optional[_Union[Selector, _Mapping]] = ..., wait: _Optional[_Union[WaitLevel, str]] = ..., wait_timeout: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ..., stop_timeout: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ..., with_dependents: bool = ..., request_id: _Optional[str] = ...) -> None: ...

class WatchChange(_message.Message):
    __slots__ = ["previous_state", "removed", "revision", "service", "time"]
    PREVIOUS_STATE_FIELD_NUMBER: _ClassVar[int]
    REMOVED_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    previous_state: _service_pb2.ServiceState
    removed: bool
    revision: int
    service: _service_pb2.Service
    time: _timestamp_pb2.Timestamp
    def __init__(self, revision: _Optional[int] = ..., time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., service: _Optional[_Union[_service_pb2.Service, _Mapping]] = ..., previous_state: _Optional[_Union[_service_pb2.ServiceState, str]] = ..., removed: bool = ...) -> None: ...

class WatchGap(_message.Message):
    __slots__ = ["from_revision", "to_revision"]
    FROM_REVISION_FIELD_NUMBER: _ClassVar[int]
    TO_REVISION_FIELD_NUMBER: _ClassVar[int]
    from_revision: int
    to_revision: int
    def __init__(self, from_revision: _Optional[int] = ..., to_revision: _Optional[int] = ...) -> None: ...

class WatchHeartbeat(_message.Message):
    __slots__ = ["revision", "time"]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    revision: int
    time: _timestamp_pb2.Timestamp
    def __init__(self, revision: _Optional[int] = ..., time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class WatchHello(_message.Message):
    __slots__ = ["boot_id", "heartbeat_seconds", "revision", "version"]
    BOOT_ID_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_SECONDS_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    boot_id: str
    heartbeat_seconds: float
    revision: int
    version: str
    def __init__(self, boot_id: _Optional[str] = ..., version: _Optional[str] = ..., revision: _Optional[int] = ..., heartbeat_seconds: _Optional[float] = ...) -> None: ...

class WatchLimits(_message.Message):
    __slots__ = ["before", "limits", "time"]
    BEFORE_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    before: _init_pb2.ContainerLimits
    limits: _init_pb2.ContainerLimits
    time: _timestamp_pb2.Timestamp
    def __init__(self, time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., limits: _Optional[_Union[_init_pb2.ContainerLimits, _Mapping]] = ..., before: _Optional[_Union[_init_pb2.ContainerLimits, _Mapping]] = ...) -> None: ...

class WatchRequest(_message.Message):
    __slots__ = ["boot_id", "heartbeat_interval", "selector", "since_revision"]
    BOOT_ID_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_INTERVAL_FIELD_NUMBER: _ClassVar[int]
    SELECTOR_FIELD_NUMBER: _ClassVar[int]
    SINCE_REVISION_FIELD_NUMBER: _ClassVar[int]
    boot_id: str
    heartbeat_interval: _duration_pb2.Duration
    selector: Selector
    since_revision: int
    def __init__(self, selector: _Optional[_Union[Selector, _Mapping]] = ..., since_revision: _Optional[int] = ..., boot_id: _Optional[str] = ..., heartbeat_interval: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class WatchResponse(_message.Message):
    __slots__ = ["change", "gap", "heartbeat", "hello", "limits", "snapshot"]
    CHANGE_FIELD_NUMBER: _ClassVar[int]
    GAP_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_FIELD_NUMBER: _ClassVar[int]
    HELLO_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    SNAPSHOT_FIELD_NUMBER: _ClassVar[int]
    change: WatchChange
    gap: WatchGap
    heartbeat: WatchHeartbeat
    hello: WatchHello
    limits: WatchLimits
    snapshot: WatchSnapshot
    def __init__(self, hello: _Optional[_Union[WatchHello, _Mapping]] = ..., snapshot: _Optional[_Union[WatchSnapshot, _Mapping]] = ..., change: _Optional[_Union[WatchChange, _Mapping]] = ..., heartbeat: _Optional[_Union[WatchHeartbeat, _Mapping]] = ..., gap: _Optional[_Union[WatchGap, _Mapping]] = ..., limits: _Optional[_Union[WatchLimits, _Mapping]] = ...) -> None: ...

class WatchSnapshot(_message.Message):
    __slots__ = ["revision", "services"]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    SERVICES_FIELD_NUMBER: _ClassVar[int]
    revision: int
    services: _containers.RepeatedCompositeFieldContainer[_service_pb2.Service]
    def __init__(self, services: _Optional[_Iterable[_Union[_service_pb2.Service, _Mapping]]] = ..., revision: _Optional[int] = ...) -> None: ...

class WatchUsageRequest(_message.Message):
    __slots__ = ["interval", "selector"]
    INTERVAL_FIELD_NUMBER: _ClassVar[int]
    SELECTOR_FIELD_NUMBER: _ClassVar[int]
    interval: _duration_pb2.Duration
    selector: Selector
    def __init__(self, selector: _Optional[_Union[Selector, _Mapping]] = ..., interval: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class WatchUsageResponse(_message.Message):
    __slots__ = ["interval_seconds", "services", "time"]
    INTERVAL_SECONDS_FIELD_NUMBER: _ClassVar[int]
    SERVICES_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    interval_seconds: float
    services: _containers.RepeatedCompositeFieldContainer[ServiceUsage]
    time: _timestamp_pb2.Timestamp
    def __init__(self, time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., interval_seconds: _Optional[float] = ..., services: _Optional[_Iterable[_Union[ServiceUsage, _Mapping]]] = ...) -> None: ...

class WaitLevel(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []
