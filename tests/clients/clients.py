"""The clients: how each is installed or built, and run against a stack.

Python runs in the tests' own environment. Node's packages are installed from the lock file beside
its program, and again only when that changes. Go, the Collector and Java are built into `build/` of
their folders.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

FOLDER: Final = Path(__file__).parent
_TOOLS: Final = FOLDER.parents[1] / "grafana" / "datasource" / ".tools" / "bin"
"""Where the plugin's build puts Go and Node on a machine without."""
_BUILD_SECONDS: Final = 1_200.0
HTTP, JSON, GRPC = "http/protobuf", "http/json", "grpc"


@dataclass(frozen=True, slots=True)
class Client:
    """A language, the protocols that its SDK has, and its command. `ready` blocks; runs once."""

    language: str
    protocols: tuple[str, ...]
    ready: Callable[[], tuple[str, ...]]


def tool(*names: str) -> str:
    """The first of the programs that there is; skips the test where there is none."""
    for name in names:
        found = shutil.which(name, path=f"{os.environ['PATH']}:{_TOOLS}")
        if found:
            return found
    raise pytest.skip.Exception(f"this needs {names[0]}")


def run(command: list[str], folder: Path) -> None:
    """Run a command of a build in its folder; its output is shown where it fails."""
    path = f"{_TOOLS}:{os.environ['PATH']}"
    ended = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "PATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=_BUILD_SECONDS,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout.decode(errors="replace")[-4000:]


def _python() -> tuple[str, ...]:
    return sys.executable, "-P", str(FOLDER / "python" / "send.py")


def _node() -> tuple[str, ...]:
    folder, node = FOLDER / "node", tool("node")
    lock, kept = folder / "package-lock.json", folder / "node_modules" / ".installed-lock.json"
    if not kept.exists() or kept.read_bytes() != lock.read_bytes():
        npm = [tool("npm"), "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        run([*npm, "--loglevel=error"], folder)
        shutil.copyfile(lock, kept)
    return node, str(folder / "send.mjs")


def go_program(name: str) -> Path:
    """A Go program of a folder, built."""
    folder = FOLDER / name
    built = folder / "build" / name
    run([tool("go"), "build", "-trimpath", "-o", str(built), "."], folder)
    return built


def _go() -> tuple[str, ...]:
    return (str(go_program("go")),)


def _java() -> tuple[str, ...]:
    folder = FOLDER / "java"
    listed = folder / "build" / "classpath"
    goal = "dependency:build-classpath"
    run([tool("mvn"), "-q", "-B", "compile", goal, f"-Dmdep.outputFile={listed}"], folder)
    classes = f"{folder / 'build' / 'classes'}:{listed.read_text().strip()}"
    return tool("java"), "-cp", classes, "Send"


PYTHON: Final = Client("python", (HTTP, GRPC), _python)
NODE: Final = Client("node", (HTTP, JSON, GRPC), _node)
GO: Final = Client("go", (HTTP, GRPC), _go)
JAVA: Final = Client("java", (HTTP, GRPC), _java)


def send(
    command: tuple[str, ...],
    *,
    protocol: str,
    service: str,
    endpoint: str,
    headers: Mapping[str, str],
    environment: Mapping[str, str],
    seconds: float = 300.0,
) -> str:
    """Run a client to its end; what it printed. Nothing of OTEL_* but where to send and as what."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    told = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
        "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
        "OTEL_EXPORTER_OTLP_HEADERS": ",".join(f"{name}={text}" for name, text in headers.items()),
        "OTEL_SERVICE_NAME": service,
    }
    ended = subprocess.run(
        command,
        env={**inherited, **told, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=seconds,
        check=False,
    )
    printed = ended.stdout.decode(errors="replace")
    assert ended.returncode == 0, printed[-4000:]
    return printed
