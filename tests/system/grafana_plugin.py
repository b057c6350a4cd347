"""The backend of the Grafana plugin, started and spoken to as Grafana's server does it.

It is a process of its own that says on its first line of output where it listens (the handshake of
HashiCorp's go-plugin: core version, protocol version, network, address, `grpc`), and then answers
over gRPC. https://github.com/hashicorp/go-plugin/blob/main/docs/internals.md
"""

import json
import os
import select
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import grpc
import pyarrow

from tests.system.grafana_messages import message

FOLDER: Final = Path(__file__).parents[2] / "grafana" / "datasource"
BUILD_SECONDS: Final = 600.0
"""From nothing, with all dependencies still to be compiled; seconds when that was done."""
_COOKIE: Final = {"grafana_plugin_type": "datasource"}
_SECONDS: Final = 20.0
HEALTHY: Final = 1


def build() -> Path:
    """The backend for this machine, built if it has changed; fails with the compiler's words."""
    done = subprocess.run(
        [str(FOLDER / "build.sh"), "backend"],
        capture_output=True,
        check=False,
        text=True,
        timeout=BUILD_SECONDS,
    )
    assert done.returncode == 0, done.stderr
    arch = {"x86_64": "amd64", "aarch64": "arm64"}[os.uname().machine]
    return FOLDER / "dist" / f"gpx_seamark_datasource_linux_{arch}"


@dataclass(frozen=True, slots=True)
class Source:
    """A datasource as a user configured it in Grafana."""

    url: str
    token: str
    id: int = 1

    def context(self) -> Any:
        """What Grafana sends with every call."""
        settings = message("DataSourceInstanceSettings")(
            id=self.id,
            name="Seamark",
            uid=f"seamark-{self.id}",
            url=self.url,
            jsonData=b"{}",
            decryptedSecureJsonData={"token": self.token},
            lastUpdatedMS=1,
        )
        return message("PluginContext")(
            orgId=1, pluginId="seamark-datasource", dataSourceInstanceSettings=settings
        )


@dataclass(frozen=True, slots=True)
class Answer:
    """What one query came to."""

    frames: list[pyarrow.Table]
    error: str
    status: int


class Plugin:
    """The backend, running inside the context manager."""

    def __init__(self, binary: Path) -> None:
        self._process = subprocess.Popen(
            [str(binary)],
            env={**os.environ, **_COOKIE},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self._channel = grpc.insecure_channel(self._address())

    def _address(self) -> str:
        output = self._process.stdout
        assert output is not None
        ready, _, _ = select.select([output], [], [], _SECONDS)
        assert ready, "the plugin said nothing"
        core, protocol, network, address, kind = output.readline().decode().strip().split("|")[:5]
        assert (core, protocol, network, kind) == ("1", "2", "unix", "grpc")
        return f"unix:{address}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._channel.close()
        self._process.terminate()
        try:
            self._process.wait(_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()

    def _method(self, path: str, request: str, response: str, *, streams: bool = False) -> Any:
        make = self._channel.unary_stream if streams else self._channel.unary_unary
        return make(
            f"/pluginv2.{path}",
            request_serializer=message(request).SerializeToString,
            response_deserializer=message(response).FromString,
        )

    def query(
        self, source: Source, query: Mapping[str, Any], *, minutes: int = 60, ref: str = "A"
    ) -> Answer:
        """Ask one query over the last `minutes`."""
        now_ms = time.time_ns() // 1_000_000
        asked = message("DataQuery")(
            refId=ref,
            queryType=query["queryType"],
            maxDataPoints=500,
            intervalMS=60_000,
            timeRange=message("TimeRange")(
                fromEpochMS=now_ms - minutes * 60_000, toEpochMS=now_ms + 60_000
            ),
            json=json.dumps(query).encode(),
        )
        request = message("QueryDataRequest")(pluginContext=source.context(), queries=[asked])
        method = self._method("Data/QueryData", "QueryDataRequest", "QueryDataResponse")
        found = method(request, timeout=_SECONDS).responses[ref]
        tables = [pyarrow.ipc.open_file(frame).read_all() for frame in found.frames]
        return Answer(tables, found.error, found.status)

    def subscribe(self, source: Source, path: str, channel: Mapping[str, Any]) -> int:
        """The status of a subscription to a channel; 0 is a good one."""
        request = message("SubscribeStreamRequest")(
            pluginContext=source.context(), path=path, data=json.dumps(channel).encode()
        )
        method = self._method(
            "Stream/SubscribeStream", "SubscribeStreamRequest", "SubscribeStreamResponse"
        )
        status: int = method(request, timeout=_SECONDS).status
        return status

    def stream(self, source: Source, path: str, channel: Mapping[str, Any]) -> Any:
        """Run a channel's stream: an iterator over its packets that can be cancelled."""
        request = message("RunStreamRequest")(
            pluginContext=source.context(), path=path, data=json.dumps(channel).encode()
        )
        method = self._method("Stream/RunStream", "RunStreamRequest", "StreamPacket", streams=True)
        return method(request, timeout=3 * _SECONDS)

    def health(self, source: Source) -> tuple[bool, str]:
        """Whether "Save & test" would be green, and what it would say."""
        method = self._method(
            "Diagnostics/CheckHealth", "CheckHealthRequest", "CheckHealthResponse"
        )
        found = method(
            message("CheckHealthRequest")(pluginContext=source.context()), timeout=_SECONDS
        )
        return found.status == HEALTHY, found.message

    def resource(self, source: Source, path: str) -> tuple[int, Any]:
        """GET what an editor asks for; status and decoded body."""
        request = message("CallResourceRequest")(
            pluginContext=source.context(), path=path.partition("?")[0], url=path, method="GET"
        )
        method = self._method(
            "Resource/CallResource", "CallResourceRequest", "CallResourceResponse", streams=True
        )
        parts = list(method(request, timeout=_SECONDS))
        body = b"".join(part.body for part in parts)
        return parts[0].code, json.loads(body) if parts[0].code == 200 else body.decode()
