"""What one hostile tenant does, for so long; a process of its own, bounded in rate, on loopback.

python -m tests.hostile.attackers HTTP_PORT GRPC_PORT KEY SECONDS
"""

import contextlib
import gzip
import http.client
import json
import os
import random
import socket
import sys
import threading
import time
from collections.abc import Callable
from typing import Any, Final

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue

from tests.hostile.half_sent import HalfSent, HalfSentBodies

_PROTOBUF: Final = "application/x-protobuf"
_JSON: Final = "application/json"


class Attacker:
    """One tenant. Each `flood_…` and `send_…` is called again and again until the time is over."""

    def __init__(self, http_port: int, grpc_port: int, key: str) -> None:
        self._http_port = http_port
        self._grpc_port = grpc_port
        self._key = key
        self._until = 0.0

    def run(self, seconds: float) -> None:
        """Do everything at once."""
        self._until = time.monotonic() + seconds
        kinds = (
            self.hold_bodies,
            self.hold_streams,
            self.open_connections,
            self.send_amplified,
            self.send_nested,
            self.send_bombs,
            self.send_unknown_keys,
            self.send_ids,
            self.send_metric_names,
        )
        threads = [threading.Thread(target=self._again, args=(kind,)) for kind in kinds]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _again(self, kind: Callable[[], None]) -> None:
        while time.monotonic() < self._until:
            with contextlib.suppress(OSError, http.client.HTTPException):
                kind()
            time.sleep(0.2)

    def _wait(self, seconds: float) -> None:
        time.sleep(max(0.0, min(seconds, self._until - time.monotonic())))

    def _post(self, path: str, body: bytes, content_type: str, **headers: str) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._http_port, timeout=10)
        try:
            named = {"X-API-Key": self._key, "Content-Type": content_type, **headers}
            connection.request("POST", path, body, named)
            connection.getresponse().read()
        finally:
            connection.close()

    def hold_bodies(self) -> None:
        """150 bodies that stop 300 bytes before their end."""
        held = HalfSentBodies(self._http_port, count=150, size=512 * 1024, key=self._key)
        self._wait(3.0)
        held.close()

    def hold_streams(self) -> None:
        """100 gRPC streams with 4 MB that do not end, half of them without a key."""
        held = [
            HalfSent(self._grpc_port, streams=25, key=key)
            for key in (b"", self._key.encode(), b"", self._key.encode())
        ]
        for one in held:
            one.pump(0.3)
        self._wait(2.0)
        for one in held:
            one.close()

    def open_connections(self) -> None:
        """300 connections that say nothing, on both ports."""
        held = []
        for port in (self._http_port, self._grpc_port) * 150:
            with contextlib.suppress(OSError):
                held.append(socket.create_connection(("127.0.0.1", port), timeout=2))
        self._wait(1.0)
        for connection in held:
            connection.close()

    def send_amplified(self) -> None:
        """One large attribute above many small items, in every signal and nesting."""
        large = AnyValue(string_value="x" * 500_000)
        logs = ExportLogsServiceRequest()
        resource = logs.resource_logs.add()
        resource.resource.attributes.add(key="a", value=large)
        scope = resource.scope_logs.add()
        for _ in range(10_000):
            scope.log_records.add()
        traces = ExportTraceServiceRequest()
        spans = traces.resource_spans.add().scope_spans.add()
        spans.scope.attributes.add(key="a", value=large)
        for _ in range(3_000):
            span = spans.spans.add(trace_id=os.urandom(16), span_id=os.urandom(8), name="s")
            span.events.add(name="e")
            span.links.add(trace_id=os.urandom(16), span_id=os.urandom(8))
        metrics = ExportMetricsServiceRequest()
        points = metrics.resource_metrics.add().scope_metrics.add().metrics.add(name="m")
        for _ in range(5_000):
            point = points.histogram.data_points.add(bucket_counts=[0] * 50)
            point.exemplars.add()
        for path, message in (
            ("/v1/logs", logs),
            ("/v1/traces", traces),
            ("/v1/metrics", metrics),
        ):
            self._post(path, message.SerializeToString(), _PROTOBUF)
            self._wait(0.3)

    def send_nested(self) -> None:
        """Values in values, in both encodings."""
        value = AnyValue(string_value="x")
        for _ in range(40):
            outer = AnyValue()
            outer.array_value.values.append(value)
            value = outer
        logs = ExportLogsServiceRequest()
        record = logs.resource_logs.add().scope_logs.add().log_records.add()
        record.body.CopyFrom(value)
        self._post("/v1/logs", logs.SerializeToString(), _PROTOBUF)
        self._post("/v1/ingest/batch", b'{"events":' + b"[" * 200_000, _JSON)
        nested: Any = "x"
        for _ in range(150):
            nested = {"arrayValue": {"values": [nested]}}
        document = {"resourceLogs": [{"scopeLogs": [{"logRecords": [{"body": nested}] * 20}]}]}
        self._post("/v1/logs", json.dumps(document).encode(), _JSON)

    def send_bombs(self) -> None:
        """Bodies that inflate to more than they may."""
        bomb = gzip.compress(bytes(80 * 1024 * 1024), 1)
        self._post("/v1/traces", bomb, _PROTOBUF, **{"Content-Encoding": "gzip"})
        self._post("/v1/ingest/batch", bomb, _JSON, **{"Content-Encoding": "gzip"})
        self._wait(1.0)

    def send_unknown_keys(self) -> None:
        """Keys that nobody has."""
        for _ in range(20):
            key = f"smk_{random.randbytes(13).hex()}"
            self._post("/v1/ingest/batch", b"{}", _JSON, **{"X-API-Key": key})

    def send_ids(self) -> None:
        """Ids that are never the same."""
        events = [
            {"name": "e", "id": os.urandom(9).hex(), "sessionId": os.urandom(9).hex()}
            for _ in range(300)
        ]
        document = {"batchId": os.urandom(9).hex(), "events": events}
        self._post("/v1/ingest/batch", json.dumps(document).encode(), _JSON)
        self._wait(0.3)

    def send_metric_names(self) -> None:
        """Names and labels that are never the same."""
        metrics = ExportMetricsServiceRequest()
        scope = metrics.resource_metrics.add().scope_metrics.add()
        for _ in range(300):
            metric = scope.metrics.add(name=f"m.{os.urandom(6).hex()}")
            point = metric.gauge.data_points.add(time_unix_nano=time.time_ns(), as_double=1.0)
            point.attributes.add(key="id", value=AnyValue(string_value=os.urandom(6).hex()))
        self._post("/v1/metrics", metrics.SerializeToString(), _PROTOBUF)
        self._wait(0.3)


if __name__ == "__main__":
    os.nice(5)  # what is measured is the stack, not who gets a processor of two
    Attacker(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]).run(float(sys.argv[4]))
