"""The methods of the API."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from google.protobuf.message import Message

from . import health_pb2 as health
from .v1 import definitions_pb2 as definitions
from .v1 import init_pb2 as init
from .v1 import logs_pb2 as logs
from .v1 import services_pb2 as services

Request = TypeVar("Request", bound=Message)
Response = TypeVar("Response", bound=Message)


class Order(Protocol):
    """A request that is carried out once, however often it is made."""

    request_id: str


@dataclass(frozen=True)
class Method(Generic[Request, Response]):
    path: str
    serialize: Callable[[Request], bytes]
    parse: Callable[[bytes], Response]


def _method(path: str, request: type[Request], response: type[Response]) -> Method[Request, Response]:
    return Method(path, request.SerializeToString, response.FromString)


_SERVICES = "/my_init.v1.Services/"
LIST = _method(_SERVICES + "List", services.ListRequest, services.ListResponse)
GET = _method(_SERVICES + "Get", services.GetRequest, services.GetResponse)
WATCH = _method(_SERVICES + "Watch", services.WatchRequest, services.WatchResponse)
START = _method(_SERVICES + "Start", services.StartRequest, services.OperationResponse)
STOP = _method(_SERVICES + "Stop", services.StopRequest, services.OperationResponse)
RESTART = _method(_SERVICES + "Restart", services.RestartRequest, services.OperationResponse)
RELOAD = _method(_SERVICES + "Reload", services.ReloadRequest, services.OperationResponse)
SIGNAL = _method(_SERVICES + "Signal", services.SignalRequest, services.OperationResponse)
HOLD = _method(_SERVICES + "Hold", services.HoldRequest, services.OperationResponse)
RELEASE = _method(_SERVICES + "Release", services.ReleaseRequest, services.OperationResponse)
RESET = _method(_SERVICES + "Reset", services.ResetRequest, services.OperationResponse)
SCALE = _method(_SERVICES + "Scale", services.ScaleRequest, services.OperationResponse)
RUN = _method(_SERVICES + "Run", services.RunRequest, services.OperationResponse)
WATCH_USAGE = _method(_SERVICES + "WatchUsage", services.WatchUsageRequest, services.WatchUsageResponse)

READ = _method("/my_init.v1.Logs/Read", logs.ReadRequest, logs.ReadResponse)

_INIT = "/my_init.v1.Init/"
GET_INFO = _method(_INIT + "GetInfo", init.GetInfoRequest, init.GetInfoResponse)
GET_BOOT = _method(_INIT + "GetBoot", init.GetBootRequest, init.GetBootResponse)
LIST_PROCESSES = _method(_INIT + "ListProcesses", init.ListProcessesRequest, init.ListProcessesResponse)
RESCAN = _method(_INIT + "Rescan", init.RescanRequest, init.RescanResponse)
REEXEC = _method(_INIT + "Reexec", init.ReexecRequest, init.ReexecResponse)
SHUTDOWN = _method(_INIT + "Shutdown", init.ShutdownRequest, init.ShutdownProgress)

_DEFINITIONS = "/my_init.v1.Definitions/"
GET_DEFINITIONS = _method(
    _DEFINITIONS + "Get", definitions.DefinitionsGetRequest, definitions.DefinitionsGetResponse
)
APPLY = _method(_DEFINITIONS + "Apply", definitions.ApplyRequest, definitions.ApplyResponse)
EXPLAIN = _method(_DEFINITIONS + "Explain", definitions.ExplainRequest, definitions.ExplainResponse)

HEALTH = _method("/grpc.health.v1.Health/List", health.HealthListRequest, health.HealthListResponse)
