#!/usr/bin/python3
"""Talks to my_init from Python: lists, watches and restarts services, and asks for their health.

Needs grpcio and protobuf (Debian: python3-grpcio, python3-protobuf) and the messages, made once with protoc; see README.md.
"""

import argparse
import sys

import grpc


def main():
    options = parse_arguments()
    sys.path.insert(0, options.generated)
    with grpc.insecure_channel("unix:" + options.socket) as channel:
        try:
            options.command(Client(channel), options)
        except grpc.RpcError as error:
            print(explain(error), file=sys.stderr)
            return 1
    return 0


class Client:
    """The calls of the API. With grpcio's code generator these few lines are generated too."""

    def __init__(self, channel):
        import health_pb2 as health
        from my_init.v1 import services_pb2 as services

        self.messages = services
        self.health_messages = health
        path = "/my_init.v1.Services/"
        self.list = channel.unary_unary(
            path + "List",
            request_serializer=services.ListRequest.SerializeToString,
            response_deserializer=services.ListResponse.FromString,
        )
        self.restart = channel.unary_unary(
            path + "Restart",
            request_serializer=services.RestartRequest.SerializeToString,
            response_deserializer=services.OperationResponse.FromString,
        )
        self.watch = channel.unary_stream(
            path + "Watch",
            request_serializer=services.WatchRequest.SerializeToString,
            response_deserializer=services.WatchResponse.FromString,
        )
        self.check = channel.unary_unary(
            "/grpc.health.v1.Health/Check",
            request_serializer=health.HealthCheckRequest.SerializeToString,
            response_deserializer=health.HealthCheckResponse.FromString,
        )

    def selector(self, names):
        return self.messages.Selector(names=names)


def list_services(client, options):
    answer = client.list(client.messages.ListRequest(selector=client.selector(options.names)))
    for service in answer.services:
        print(describe(service), flush=True)


def watch_services(client, options):
    """Prints what the services are, then each change, until as many were printed as asked for."""
    stream = client.watch(client.messages.WatchRequest(selector=client.selector(options.names)))
    left = options.changes
    for message in stream:
        event = message.WhichOneof("event")
        if event == "snapshot":
            for service in message.snapshot.services:
                print(describe(service), flush=True)
        elif event == "gap":
            print(f"changes {message.gap.from_revision} to {message.gap.to_revision} were lost", flush=True)
        elif event == "change":
            print("gone" if message.change.removed else "now", describe(message.change.service), flush=True)
            left -= 1
            if left == 0:
                stream.cancel()
                return


def restart_services(client, options):
    """Waits until the new processes are ready, 30 s at most."""
    request = client.messages.RestartRequest(selector=client.selector(options.names))
    for outcome in client.restart(request, timeout=30).outcomes:
        if outcome.HasField("error"):
            print(f"{outcome.name}: {outcome.error.message}", flush=True)
        else:
            print(f"{outcome.name} restarted: pid {outcome.old_pid} -> {outcome.service.pid}", flush=True)


def check_health(client, options):
    for name in options.names or [""]:
        answer = client.check(client.health_messages.HealthCheckRequest(service=name))
        status = client.health_messages.HealthCheckResponse.ServingStatus.Name(answer.status)
        print(f"{name or 'my_init'} {status}", flush=True)


def describe(service):
    from my_init.v1 import service_pb2

    state = service_pb2.ServiceState.Name(service.state).removeprefix("SERVICE_STATE_").lower()
    return f"{service.name} {state} pid={service.pid}" + (" ready" if service.ready else "")


def explain(error):
    """The stable reason of an error and what it is about, from its google.rpc.Status."""
    from google.rpc import error_details_pb2, status_pb2

    for key, value in error.trailing_metadata() or ():
        if key != "grpc-status-details-bin":
            continue
        for detail in status_pb2.Status.FromString(value).details:
            info = error_details_pb2.ErrorInfo()
            if detail.Unpack(info):
                about = " ".join(f"{name}={text}" for name, text in sorted(info.metadata.items()))
                return f"{info.reason}: {error.details()} [{about}]"
    return f"{error.code().name}: {error.details()}"


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--socket", default="/run/my_init/my_init.sock")
    parser.add_argument("--generated", default="generated", help="where protoc put the messages")
    commands = parser.add_subparsers(required=True)
    for name, command in {
        "list": list_services,
        "watch": watch_services,
        "restart": restart_services,
        "health": check_health,
    }.items():
        sub = commands.add_parser(name)
        sub.add_argument("names", nargs="*")
        sub.set_defaults(command=command)
        if name == "watch":
            sub.add_argument("--changes", type=int, default=0, help="end after so many; 0: never")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
