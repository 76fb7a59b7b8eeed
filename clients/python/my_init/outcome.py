"""The outcome of a mutation for one service."""

from __future__ import annotations

from dataclasses import dataclass

from .errors import MyInitError, error_of_status
from .v1 import services_pb2
from .v1.service_pb2 import Service


@dataclass(frozen=True)
class Outcome:
    name: str
    #: False when the service was already as wanted.
    changed: bool
    error: MyInitError | None
    #: The process before; 0 when there was none.
    old_pid: int
    #: The service now.
    service: Service
    seconds: float
    #: After a stop: the services that depend on this one and are neither down nor completed.
    dependents: tuple[str, ...]


def outcomes_of(response: services_pb2.OperationResponse) -> list[Outcome]:
    """One outcome for each service. Raises the first error, which holds all outcomes."""
    outcomes = [_outcome(outcome) for outcome in response.outcomes]
    for outcome in outcomes:
        if outcome.error is not None:
            error = outcome.error
            raise MyInitError(
                error.reason, error.message, code=error.code, metadata=error.metadata, outcomes=outcomes
            )
    return outcomes


def _outcome(outcome: services_pb2.Outcome) -> Outcome:
    error = error_of_status(outcome.error, outcome.name) if outcome.HasField("error") else None
    return Outcome(
        name=outcome.name,
        changed=outcome.changed,
        error=error,
        old_pid=outcome.old_pid,
        service=outcome.service,
        seconds=outcome.seconds,
        dependents=tuple(outcome.dependents),
    )
