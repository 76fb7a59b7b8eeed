"""The events of a watch, and the services as known so far."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Union

from .requests import Names, duration_of, selector_of
from .v1 import services_pb2
from .v1.init_pb2 import ContainerLimits
from .v1.service_pb2 import Service, ServiceState

#: The connection counts as dead after so many heartbeats were missed.
_HEARTBEATS_MISSED = 2.5


@dataclass(frozen=True)
class ServiceChange:
    """A service before and after."""

    #: The service after the change; as it was last, when it was removed.
    service: Service
    #: None for a service that is new to this watch.
    before: Service | None
    removed: bool


@dataclass(frozen=True)
class Snapshot:
    """All services. `changes` has the differences from the services known before: empty in the
    first snapshot."""

    revision: int
    services: tuple[Service, ...]
    changes: tuple[ServiceChange, ...]


@dataclass(frozen=True)
class Change(ServiceChange):
    revision: int
    time: datetime.datetime
    previous_state: ServiceState


@dataclass(frozen=True)
class LimitsChange:
    """The limits of the container have changed; 0 is none."""

    time: datetime.datetime
    limits: ContainerLimits
    before: ContainerLimits


@dataclass(frozen=True)
class WatchGap:
    """A gap; a snapshot follows. After a new boot the lost revisions have no meaning."""

    from_revision: int
    to_revision: int
    new_boot: bool


WatchEvent = Union[Snapshot, Change, LimitsChange, WatchGap]


class View:
    """The services as known so far, and up to which revision."""

    def __init__(self, names: Names, heartbeat: float | None) -> None:
        self._selector = selector_of(names)
        self._heartbeat = duration_of(heartbeat)
        self._services: dict[str, Service] = {}
        self._boot_id = ""
        self._new_boot = True
        self._revision = 0
        self._known = False

    def request(self) -> services_pb2.WatchRequest:
        """Continues after the last change that arrived."""
        return services_pb2.WatchRequest(
            selector=self._selector,
            since_revision=self._revision,
            boot_id=self._boot_id,
            heartbeat_interval=self._heartbeat,
        )

    def silence(self, response: services_pb2.WatchResponse) -> float | None:
        """How long my_init may be silent from this answer on; None leaves the limit as it is."""
        hello = response.WhichOneof("event") == "hello"
        return response.hello.heartbeat_seconds * _HEARTBEATS_MISSED if hello else None

    def take(self, response: services_pb2.WatchResponse) -> Iterable[WatchEvent]:
        kind = response.WhichOneof("event")
        if kind == "hello":
            self._new_boot = response.hello.boot_id != self._boot_id
            self._boot_id = response.hello.boot_id
        elif kind == "snapshot":
            self._revision = response.snapshot.revision
            services = tuple(response.snapshot.services)
            yield Snapshot(self._revision, services, self._replace(services))
        elif kind == "change":
            yield self._change(response.change)
        elif kind == "heartbeat":
            self._revision = max(self._revision, response.heartbeat.revision)
        elif kind == "limits":
            limits = response.limits
            yield LimitsChange(limits.time.ToDatetime(datetime.timezone.utc), limits.limits, limits.before)
        elif kind == "gap":
            yield WatchGap(response.gap.from_revision, response.gap.to_revision, self._new_boot)

    def _change(self, change: services_pb2.WatchChange) -> Change:
        self._revision = change.revision
        service = change.service
        before = self._services.pop(service.name, None)
        if not change.removed:
            self._services[service.name] = service
        return Change(
            service=service,
            before=before,
            removed=change.removed,
            revision=change.revision,
            time=change.time.ToDatetime(datetime.timezone.utc),
            previous_state=change.previous_state,
        )

    def _replace(self, services: tuple[Service, ...]) -> tuple[ServiceChange, ...]:
        gone, self._services = self._services, {service.name: service for service in services}
        changes = [ServiceChange(service, gone.pop(service.name, None), False) for service in services]
        changes += [ServiceChange(service, service, True) for service in gone.values()]
        known, self._known = self._known, True
        return tuple(changes) if known else ()
