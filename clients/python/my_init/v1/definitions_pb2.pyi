from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

APPLY_ACTION_NOTHING: ApplyAction
APPLY_ACTION_RESTART: ApplyAction
APPLY_ACTION_START: ApplyAction
APPLY_ACTION_STOP: ApplyAction
APPLY_ACTION_TAKE: ApplyAction
APPLY_ACTION_UNSPECIFIED: ApplyAction
DESCRIPTOR: _descriptor.FileDescriptor

class AppliedChange(_message.Message):
    __slots__ = ["action", "keys", "name", "problem"]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    KEYS_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    PROBLEM_FIELD_NUMBER: _ClassVar[int]
    action: ApplyAction
    keys: _containers.RepeatedScalarFieldContainer[str]
    name: str
    problem: str
    def __init__(self, name: _Optional[str] = ..., action: _Optional[_Union[ApplyAction, str]] = ..., keys: _Optional[_Iterable[str]] = ..., problem: _Optional[str] = ...) -> None: ...

class ApplyRequest(_message.Message):
    __slots__ = ["dry_run", "names", "request_id"]
    DRY_RUN_FIELD_NUMBER: _ClassVar[int]
    NAMES_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    dry_run: bool
    names: _containers.RepeatedScalarFieldContainer[str]
    request_id: str
    def __init__(self, names: _Optional[_Iterable[str]] = ..., dry_run: bool = ..., request_id: _Optional[str] = ...) -> None: ...

class ApplyResponse(_message.Message):
    __slots__ = ["changes"]
    CHANGES_FIELD_NUMBER: _ClassVar[int]
    changes: _containers.RepeatedCompositeFieldContainer[AppliedChange]
    def __init__(self, changes: _Optional[_Iterable[_Union[AppliedChange, _Mapping]]] = ...) -> None: ...

class DefinitionValue(_message.Message):
    __slots__ = ["column", "file", "key", "line", "value"]
    COLUMN_FIELD_NUMBER: _ClassVar[int]
    FILE_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    LINE_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    column: int
    file: str
    key: str
    line: int
    value: str
    def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ..., file: _Optional[str] = ..., line: _Optional[int] = ..., column: _Optional[int] = ...) -> None: ...

class DefinitionsGetRequest(_message.Message):
    __slots__ = ["names"]
    NAMES_FIELD_NUMBER: _ClassVar[int]
    names: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, names: _Optional[_Iterable[str]] = ...) -> None: ...

class DefinitionsGetResponse(_message.Message):
    __slots__ = ["definitions"]
    DEFINITIONS_FIELD_NUMBER: _ClassVar[int]
    definitions: _containers.RepeatedCompositeFieldContainer[ServiceDefinition]
    def __init__(self, definitions: _Optional[_Iterable[_Union[ServiceDefinition, _Mapping]]] = ...) -> None: ...

class ExplainRequest(_message.Message):
    __slots__ = ["name"]
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class ExplainResponse(_message.Message):
    __slots__ = ["steps"]
    STEPS_FIELD_NUMBER: _ClassVar[int]
    steps: _containers.RepeatedCompositeFieldContainer[Explanation]
    def __init__(self, steps: _Optional[_Iterable[_Union[Explanation, _Mapping]]] = ...) -> None: ...

class Explanation(_message.Message):
    __slots__ = ["facts", "next", "remedies", "see_log", "service"]
    FACTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_FIELD_NUMBER: _ClassVar[int]
    REMEDIES_FIELD_NUMBER: _ClassVar[int]
    SEE_LOG_FIELD_NUMBER: _ClassVar[int]
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    facts: _containers.RepeatedScalarFieldContainer[str]
    next: str
    remedies: _containers.RepeatedScalarFieldContainer[str]
    see_log: bool
    service: str
    def __init__(self, service: _Optional[str] = ..., facts: _Optional[_Iterable[str]] = ..., next: _Optional[str] = ..., remedies: _Optional[_Iterable[str]] = ..., see_log: bool = ...) -> None: ...

class ServiceDefinition(_message.Message):
    __slots__ = ["changed", "name", "problem", "values"]
    CHANGED_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    PROBLEM_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    changed: bool
    name: str
    problem: str
    values: _containers.RepeatedCompositeFieldContainer[DefinitionValue]
    def __init__(self, name: _Optional[str] = ..., values: _Optional[_Iterable[_Union[DefinitionValue, _Mapping]]] = ..., problem: _Optional[str] = ..., changed: bool = ...) -> None: ...

class ApplyAction(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []
