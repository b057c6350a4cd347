"""The messages between Grafana's server and a datasource's backend: the few that a test needs.

Descriptions of Grafana's public plugin protocol, `pluginv2` (field names and numbers as published:
https://github.com/grafana/grafana-plugin-sdk-go/blob/main/proto/backend.proto). Fields that are not
named here are skipped by protobuf, so a later version of the protocol reads the same.
"""

from typing import Any, Final

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
)
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

_PACKAGE: Final = "pluginv2"
_SCALARS: Final = {
    "string": FieldDescriptorProto.TYPE_STRING,
    "bytes": FieldDescriptorProto.TYPE_BYTES,
    "int32": FieldDescriptorProto.TYPE_INT32,
    "int64": FieldDescriptorProto.TYPE_INT64,
}

# message: "number type name"; `[]` is repeated, `{}` a map from strings.
_MESSAGES: Final = {
    "StringList": ["1 []string values"],
    "DataSourceInstanceSettings": [
        "1 int64 id",
        "2 string name",
        "3 string url",
        "8 bytes jsonData",
        "9 {}string decryptedSecureJsonData",
        "10 int64 lastUpdatedMS",
        "11 string uid",
    ],
    "PluginContext": [
        "1 int64 orgId",
        "2 string pluginId",
        "5 DataSourceInstanceSettings dataSourceInstanceSettings",
        "6 {}string grafanaConfig",
    ],
    "TimeRange": ["1 int64 fromEpochMS", "2 int64 toEpochMS"],
    "DataQuery": [
        "1 string refId",
        "2 int64 maxDataPoints",
        "3 int64 intervalMS",
        "4 TimeRange timeRange",
        "5 bytes json",
        "6 string queryType",
    ],
    "QueryDataRequest": [
        "1 PluginContext pluginContext",
        "2 {}string headers",
        "3 []DataQuery queries",
    ],
    "DataResponse": [
        "1 []bytes frames",
        "2 string error",
        "4 int32 status",
        "5 string errorSource",
    ],
    "QueryDataResponse": ["1 {}DataResponse responses"],
    "SubscribeStreamRequest": ["1 PluginContext pluginContext", "2 string path", "3 bytes data"],
    "SubscribeStreamResponse": ["1 int32 status", "2 bytes data"],
    "RunStreamRequest": ["1 PluginContext pluginContext", "2 string path", "3 bytes data"],
    "StreamPacket": ["1 bytes data"],
    "CheckHealthRequest": ["1 PluginContext pluginContext"],
    "CheckHealthResponse": ["1 int32 status", "2 string message"],
    "CallResourceRequest": [
        "1 PluginContext pluginContext",
        "2 string path",
        "3 string method",
        "4 string url",
        "5 {}StringList headers",
        "6 bytes body",
    ],
    "CallResourceResponse": ["1 int32 code", "2 {}StringList headers", "3 bytes body"],
}


def _field(message: DescriptorProto, line: str) -> None:
    number, kind, name = line.split(" ")
    field = message.field.add(name=name, number=int(number))
    field.label = FieldDescriptorProto.LABEL_OPTIONAL
    if kind.startswith("{}"):
        entry = message.nested_type.add(name=f"{name[0].upper()}{name[1:]}Entry")
        entry.options.map_entry = True
        _field(entry, "1 string key")
        _field(entry, f"2 {kind[2:]} value")
        field.label = FieldDescriptorProto.LABEL_REPEATED
        field.type = FieldDescriptorProto.TYPE_MESSAGE
        field.type_name = f".{_PACKAGE}.{message.name}.{entry.name}"
        return
    if kind.startswith("[]"):
        field.label = FieldDescriptorProto.LABEL_REPEATED
        kind = kind[2:]
    if kind in _SCALARS:
        field.type = _SCALARS[kind]
    else:
        field.type = FieldDescriptorProto.TYPE_MESSAGE
        field.type_name = f".{_PACKAGE}.{kind}"


def _described() -> DescriptorPool:
    file = FileDescriptorProto(name="grafana_plugin.proto", package=_PACKAGE, syntax="proto3")
    for name, lines in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for line in lines:
            _field(message, line)
    pool = DescriptorPool()
    pool.Add(file)
    return pool


_POOL: Final = _described()


def message(name: str) -> type[Any]:
    """The class of a message of the protocol, by its name."""
    found: type[Message] = GetMessageClass(_POOL.FindMessageTypeByName(f"{_PACKAGE}.{name}"))
    return found
