from google.protobuf import descriptor_pb2 as _descriptor_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Optional as _Optional

DESCRIPTOR: _descriptor.FileDescriptor
ERROR_FIELD_NUMBER: _ClassVar[int]
ERROR_REASON_BOOT_CHANGED: ErrorReason
ERROR_REASON_CANCELLED: ErrorReason
ERROR_REASON_CANNOT_REPLACE: ErrorReason
ERROR_REASON_CONNECTION_LOST: ErrorReason
ERROR_REASON_CONTROLLER_REPLACED: ErrorReason
ERROR_REASON_EMPTY_SELECTOR: ErrorReason
ERROR_REASON_EXITED_EARLY: ErrorReason
ERROR_REASON_INTERNAL_ERROR: ErrorReason
ERROR_REASON_INVALID_ARGUMENT: ErrorReason
ERROR_REASON_NAME_TAKEN: ErrorReason
ERROR_REASON_NOT_MY_INIT: ErrorReason
ERROR_REASON_NOT_RUNNING: ErrorReason
ERROR_REASON_NO_ANSWER: ErrorReason
ERROR_REASON_NO_MATCH: ErrorReason
ERROR_REASON_READ_ONLY_ACCESS: ErrorReason
ERROR_REASON_RELOAD_FAILED: ErrorReason
ERROR_REASON_REMOVED: ErrorReason
ERROR_REASON_RUN_CHANGED: ErrorReason
ERROR_REASON_SERVICE_NOT_FOUND: ErrorReason
ERROR_REASON_SHUTTING_DOWN: ErrorReason
ERROR_REASON_SIGNAL_FAILED: ErrorReason
ERROR_REASON_START_FAILED: ErrorReason
ERROR_REASON_SUPERSEDED: ErrorReason
ERROR_REASON_TOO_MANY_CALLS: ErrorReason
ERROR_REASON_TOO_MANY_STREAMS: ErrorReason
ERROR_REASON_UNREACHABLE: ErrorReason
ERROR_REASON_UNSPECIFIED: ErrorReason
ERROR_REASON_WAIT_TIMEOUT: ErrorReason
error: _descriptor.FieldDescriptor

class ErrorTraits(_message.Message):
    __slots__ = ["code", "exit_code", "hint", "retry_seconds"]
    CODE_FIELD_NUMBER: _ClassVar[int]
    EXIT_CODE_FIELD_NUMBER: _ClassVar[int]
    HINT_FIELD_NUMBER: _ClassVar[int]
    RETRY_SECONDS_FIELD_NUMBER: _ClassVar[int]
    code: str
    exit_code: int
    hint: str
    retry_seconds: int
    def __init__(self, code: _Optional[str] = ..., exit_code: _Optional[int] = ..., hint: _Optional[str] = ..., retry_seconds: _Optional[int] = ...) -> None: ...

class ErrorReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []
