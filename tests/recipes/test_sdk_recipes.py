"""The recipes of docs/sdk/python.md, each as a real server with its own workers, in an environment
of its own: what the app tracks arrives once, with session, user, spans and errors."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from seamark_sdk.core.user_hash import user_hash
from seamark_sdk.testing.received import Received
from seamark_sdk.testing.server import TestCollector

from tests.integration.test_sdk_package import build
from tests.support.sdk_log import ROOT, WRAPPERS, sdk_environment
from tests.support.servers import free_port

DOCS = (ROOT / "docs" / "sdk" / "python.md").read_text()
BLOCKS = dict(re.findall(r"^```python (\w+)\n(.*?)^```$", DOCS, re.M | re.S))
LOCK = WRAPPERS / "python" / "recipes" / "requirements.lock"
PLANS = [f"plan-{number}" for number in range(12)]
SERVERS = {
    "fastapi": ["uvicorn", "shop_app:app", "--port={port}"],
    "flask": ["gunicorn", "shop_app:app", "--preload", "--workers=2", "--bind=127.0.0.1:{port}"],
    "django": ["gunicorn", "shop_app:app", "--workers=2", "--bind=127.0.0.1:{port}"],
}


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python with the frameworks and OpenTelemetry's instrumentations."""
    folder = tmp_path_factory.mktemp("recipes") / "venv"
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    made = folder / "bin" / "python"
    subprocess.run(
        [
            *(str(made), "-m", "pip", "install", "--quiet", "--no-compile", "--no-deps"),
            *("--disable-pip-version-check", "--require-hashes", "-r", str(LOCK)),
        ],
        check=True,
        timeout=300,
    )
    return made


@pytest.fixture
def seamark() -> Iterator[Received]:
    collector = TestCollector().start()
    collector.received._seconds = 20.0
    yield collector.received
    collector.stop()


def environment(seamark: Received, folder: Path, name: str) -> dict[str, str]:
    """That of an app in `folder`, which gets the recipe as `shop_app.py`."""
    (folder / "shop_app.py").write_text(BLOCKS[name])
    found = sdk_environment(
        SEAMARK_KEY=seamark.key,
        SEAMARK_ENDPOINT=seamark.endpoint,
        SEAMARK_SPOOL_DIR=str(folder / "spool"),
        OTEL_BSP_SCHEDULE_DELAY="200",
    )
    return {**found, "PYTHONPATH": f"{found['PYTHONPATH']}{os.pathsep}{folder}"}


@contextlib.contextmanager
def running(command: list[str], env: dict[str, str], folder: Path) -> Iterator[Path]:
    """A server until the end of the block, then SIGTERM; its output."""
    output = folder / "output.log"
    with output.open("wb") as log:
        process = subprocess.Popen(command, env=env, cwd=folder, stdout=log, stderr=log)
    try:
        yield output
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_until_open(port: int) -> None:
    """Wait until somebody listens. Raises OSError after 60 seconds."""
    deadline = time.monotonic() + 60
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def ask(port: int, method: str, path: str, session: str) -> int:
    """The status of one request, sent once."""
    url = f"http://127.0.0.1:{port}{path}"
    headers = {"x-session-id": session, "x-user": "Ann@shop.example"}
    request = urllib.request.Request(url, method=method, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


@pytest.mark.parametrize("name", SERVERS)
def test_a_web_app_is_told_whole(
    name: str, python: Path, seamark: Received, tmp_path: Path
) -> None:
    port = free_port()
    command = [str(python), "-m", *(part.format(port=port) for part in SERVERS[name])]
    with running(command, environment(seamark, tmp_path, name), tmp_path) as output:
        wait_until_open(port)
        for number, plan in enumerate(PLANS):
            assert ask(port, "POST", f"/orders/{plan}", f"s-{number}") == 200, output.read_text()
        assert ask(port, "GET", "/broken", "s-broken") == 500

    for number, plan in enumerate(PLANS):
        (item,) = seamark.received("purchase", plan=plan, times=1)
        assert item.document["sessionId"] == f"s-{number}"
        assert item.document["userAnonId"] == user_hash("ann@shop.example", "")
    (error,) = seamark.received("exception", page="/broken", times=1)
    assert error.attributes["exception.type"] == "ValueError"
    assert "shop_app.py" in error.attributes["exception.stacktrace"]
    assert error.document["sessionId"] == "s-broken"

    traces = {item.attributes["trace_id"] for item in seamark.received("purchase")}
    spans = {str(item.document["traceId"]) for item in seamark.items if item.kind == "span"}
    assert len(traces) == len(PLANS)
    assert traces <= spans
    seamark.valid()


def test_a_task_queue_is_told_whole(python: Path, seamark: Received, tmp_path: Path) -> None:
    folder = tmp_path / "broker"
    folder.mkdir()
    env = {
        **environment(seamark, tmp_path, "celery"),
        "BROKER_URL": "filesystem://",
        "BROKER_FOLDER": str(folder),
    }
    send = "import shop_app, sys; [shop_app.charge.delay(plan) for plan in sys.argv[1:]]"
    worker = [str(python), "-m", "celery", "-A", "shop_app", "worker", "--concurrency=2"]
    with running([*worker, "--pool=prefork"], env, tmp_path) as output:
        subprocess.run(
            [str(python), "-c", send, *PLANS, "broken"],
            env=env,
            cwd=tmp_path,
            check=True,
            timeout=60,
        )
        for plan in PLANS:
            assert seamark.received("purchase", plan=plan, times=1), output.read_text()
        (error,) = seamark.received("exception", times=1)
        seamark.spans("run/shop_app.charge")
    assert error.attributes["exception.message"] == "no such plan"
    seamark.valid()


def test_an_app_without_a_line_of_ours_is_traced(
    python: Path, seamark: Received, tmp_path: Path
) -> None:
    """`opentelemetry-instrument` finds the configurator of the installed package."""
    with zipfile.ZipFile(build(WRAPPERS / "python", tmp_path / "built")[".whl"]) as wheel:
        wheel.extractall(tmp_path / "installed")  # our own wheel
    app = tmp_path / "plain_app.py"
    app.write_text(
        "from flask import Flask\n"
        "app = Flask('plain')\n"
        "app.add_url_rule('/hello', view_func=lambda: 'hello')\n"
        "assert app.test_client().get('/hello').text == 'hello'\n"
    )
    env = environment(seamark, tmp_path, "flask")
    done = subprocess.run(
        [str(python.with_name("opentelemetry-instrument")), str(python), str(app)],
        env={**env, "PYTHONPATH": str(tmp_path / "installed")},
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    (span,) = seamark.spans("GET /hello", times=1)
    assert span.resource["telemetry.distro.name"] == "seamark-python"
