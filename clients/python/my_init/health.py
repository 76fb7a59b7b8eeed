"""The answers of grpc.health.v1."""

from __future__ import annotations

from .health_pb2 import HealthCheckResponse, HealthListResponse


def statuses_of(response: HealthListResponse) -> dict[str, str]:
    name = HealthCheckResponse.ServingStatus.Name
    return {service: name(answer.status) for service, answer in sorted(response.statuses.items())}
