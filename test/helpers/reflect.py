"""Calls List with nothing but what server reflection tells: `reflect.py SOCKET GENERATED` prints the names of the services.

Stands in for grpcurl, which does the same.
"""

import sys

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.descriptor_database import DescriptorDatabase

socket, generated = sys.argv[1:]
sys.path.insert(0, generated)
import reflection_pb2 as reflection  # noqa: E402

channel = grpc.insecure_channel("unix:" + socket)


def ask(path, **question):
    info = channel.stream_stream(
        path,
        request_serializer=reflection.ServerReflectionRequest.SerializeToString,
        response_deserializer=reflection.ServerReflectionResponse.FromString,
    )
    return next(info(iter([reflection.ServerReflectionRequest(**question)])))


for version in ("v1", "v1alpha"):
    path = f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo"
    database = DescriptorDatabase()
    for service in ask(path, list_services="").list_services_response.service:
        print(version, service.name)
        for file in ask(path, file_containing_symbol=service.name).file_descriptor_response.file_descriptor_proto:
            database.Add(descriptor_pb2.FileDescriptorProto.FromString(file))
    pool = descriptor_pool.DescriptorPool(database)
    method = pool.FindServiceByName("my_init.v1.Services").methods_by_name["List"]
    factory = message_factory.MessageFactory(pool)
    call = channel.unary_unary(
        "/my_init.v1.Services/List",
        request_serializer=factory.GetPrototype(method.input_type).SerializeToString,
        response_deserializer=factory.GetPrototype(method.output_type).FromString,
    )
    print(*(service.name for service in call(factory.GetPrototype(method.input_type)()).services))
