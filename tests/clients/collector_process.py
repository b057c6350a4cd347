"""The stock Collector as a process: OTLP in, the batch processor filled, OTLP out to a stack.

Defaults everywhere (8,192 items to a batch, gzip, retries, queue), but for the batch's timeout:
after 0.2 s it would send what a client on the same machine has not filled yet.
"""

import contextlib
import json
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.clients.clients import go_program
from tests.support.servers import free_port, wait_for_port
from tests.system.stack import Stack

BATCH: Final = 8_192
_STOP_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class Exporter:
    """How the Collector sends: the type of its exporter, and what is not a default of it."""

    name: str
    type: str
    settings: Mapping[str, Any]


EXPORTERS: Final = (
    Exporter("collector-grpc", "otlp_grpc", {}),
    Exporter("collector-http", "otlp_http", {}),
    Exporter("collector-http-plain", "otlp_http", {"compression": "none"}),
)


def _configuration(stack: Stack, exporter: Exporter, port: int) -> dict[str, Any]:
    over_grpc = exporter.type == "otlp_grpc"
    endpoint = f"127.0.0.1:{stack.urls.ports.collector_grpc}" if over_grpc else stack.urls.ingest
    sent = {
        "endpoint": endpoint,
        "headers": {"x-api-key": stack.credentials["ingest_key"]},
        "tls": {"insecure": True},
        **exporter.settings,
    }
    pipeline = {"receivers": ["otlp"], "processors": ["batch"], "exporters": [exporter.type]}
    return {
        "receivers": {"otlp": {"protocols": {"grpc": {"endpoint": f"127.0.0.1:{port}"}}}},
        "processors": {"batch": {"timeout": "5s"}},
        "exporters": {exporter.type: sent},
        "service": {
            "telemetry": {"metrics": {"level": "none"}},
            "pipelines": dict.fromkeys(("traces", "metrics", "logs"), pipeline),
        },
    }


@contextlib.contextmanager
def running_collector(stack: Stack, exporter: Exporter, folder: Path) -> Iterator[str]:
    """Where it takes OTLP/gRPC. Leaving sends what it still holds, and ends it."""
    program, port = go_program("collector"), free_port()
    file, log = folder / f"{exporter.name}.yaml", folder / f"{exporter.name}.log"
    file.touch(mode=0o600)
    file.write_text(json.dumps(_configuration(stack, exporter, port)))  # JSON is YAML
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(program), f"--config=file:{file}"], stdout=output, stderr=output
        )
    try:
        wait_for_port(port, process)  # a configuration that is wrong ends it, and is in its log
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    assert process.returncode == 0, log.read_text()[-4000:]
