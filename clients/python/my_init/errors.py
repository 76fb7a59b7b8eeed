"""The one error of this library, and the catalogue that it comes from."""

from __future__ import annotations

import typing
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import grpc
from google.protobuf.any_pb2 import Any
from google.protobuf.message import DecodeError
from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status

from .v1 import errors_pb2

if TYPE_CHECKING:
    from .outcome import Outcome


@dataclass(frozen=True)
class Reason:
    """The entry of a reason in the catalogue of errors."""

    code: grpc.StatusCode
    #: The exit code of svctl.
    exit_code: int
    #: A hint on how to mend it; ``{service}`` stands for the name of the service.
    hint: str
    #: The delay after which the client should try again; 0: no retry is suggested.
    retry_seconds: int


def _catalogue() -> dict[str, Reason]:
    reasons = {}
    extension: typing.Any = errors_pb2.error
    for value in errors_pb2.ErrorReason.DESCRIPTOR.values:
        traits = value.GetOptions().Extensions[extension]
        if traits.code:
            code = grpc.StatusCode[traits.code]
            name = value.name.removeprefix("ERROR_REASON_")
            reasons[name] = Reason(code, traits.exit_code, traits.hint, traits.retry_seconds)
    return reasons


REASONS: Mapping[str, Reason] = _catalogue()
_CODES = {code.value[0]: code for code in grpc.StatusCode}


class MyInitError(Exception):
    """Everything that goes wrong: an answer of my_init, or a connection that failed."""

    def __init__(
        self,
        reason: str,
        message: str,
        *,
        code: grpc.StatusCode | None = None,
        metadata: Mapping[str, str] | None = None,
        outcomes: Sequence[Outcome] = (),
    ) -> None:
        super().__init__(message)
        #: Stable; docs/api.md lists them. ``UNSPECIFIED`` when the answer named none.
        self.reason = reason
        known = REASONS.get(reason)
        self.code = code or (known.code if known else grpc.StatusCode.UNKNOWN)
        #: Details of the error: ``service``, ``suggestion``, ``field`` …
        self.metadata: Mapping[str, str] = metadata or {}
        #: The outcome of a mutation for each service.
        self.outcomes = tuple(outcomes)

    @property
    def message(self) -> str:
        return str(self)

    @property
    def suggestion(self) -> str | None:
        """The name of a service that the caller may have meant."""
        return self.metadata.get("suggestion")

    @property
    def hint(self) -> str | None:
        """The hint from the catalogue: how to mend the error."""
        known = REASONS.get(self.reason)
        service = self.metadata.get("service")
        if known is None or known.hint == "" or ("{service}" in known.hint and service is None):
            return None
        return known.hint.replace("{service}", service or "")


def error_of_status(status: Status, service: str | None = None) -> MyInitError:
    """The error in a ``google.rpc.Status``; `service` is the name of the service concerned."""
    code = _CODES.get(status.code, grpc.StatusCode.UNKNOWN)
    return _error(code, status.message, status.details, service)


def error_of_call(error: grpc.RpcError, address: str) -> MyInitError:
    """The error that a call ended with."""
    if not isinstance(error, (grpc.Call, grpc.aio.AioRpcError)):
        return MyInitError("INTERNAL_ERROR", str(error))
    code, message = error.code(), error.details() or ""
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin" and isinstance(value, bytes):
            found = _error(code, message, _details(value), None)
            if found.reason != "UNSPECIFIED":
                return found
    metadata = {"address": address}
    if code in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED):
        return MyInitError("CONNECTION_LOST", f"the connection was lost: {message}", metadata=metadata)
    if code is grpc.StatusCode.DEADLINE_EXCEEDED:
        return MyInitError("NO_ANSWER", f"no answer from {address} in time", metadata=metadata)
    return MyInitError("UNSPECIFIED", message, code=code)


def cancelled() -> MyInitError:
    return MyInitError("CANCELLED", "the call was cancelled")


def _details(value: bytes) -> Iterable[Any]:
    try:
        details: Iterable[Any] = Status.FromString(value).details
        return details
    except DecodeError:
        return ()


def _error(code: grpc.StatusCode, message: str, details: Iterable[Any], service: str | None) -> MyInitError:
    info = ErrorInfo()
    for detail in details:
        if detail.Is(ErrorInfo.DESCRIPTOR) and detail.Unpack(info) and info.domain == "my_init":
            metadata = dict(info.metadata)
            if service is not None:
                metadata.setdefault("service", service)
            return MyInitError(info.reason, message, code=code, metadata=metadata)
    return MyInitError("UNSPECIFIED", message, code=code)
