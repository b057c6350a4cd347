"""`seamark alert test` with a Grafana: what it reads there, and what it says of it.

The server answers as Grafana's Alertmanager routes do; the way to the store is tested against a
stack (`tests/system/test_alerts_fire.py`).
"""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

pytestmark = pytest.mark.integration
TOKEN, KEY = "glsa_made-up", "smk_made-up"
ALERT = 'alertname="Test of an alert of severity critical"'


@dataclass
class World:
    """A collector, an API and a Grafana behind one address."""

    url: str = ""
    events: list[str] = field(default_factory=list)
    firing: bool = False
    fires: bool = True
    error: str = ""
    filters: list[str] = field(default_factory=list)

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, Any]:
        parts = urlsplit(path)
        if parts.path == "/v1/ingest/batch":
            self.events += [event["name"] for event in json.loads(body)["events"]]
            return 202, {"accepted": 1, "rejected": 0}
        if parts.path == "/v1/query/timeseries":
            return 200, {"series": [{}] if self.events else []}
        if parts.path == "/api/alertmanager/grafana/api/v2/alerts":
            self.filters += parse_qs(parts.query)["filter"]
            fires = self.firing or (self.fires and self.events)
            return 200, [{"labels": {}}] if fires else []
        assert parts.path == "/api/alertmanager/grafana/config/api/v1/receivers", path
        now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
        old = "0001-01-01T00:00:00.000Z"
        return 200, [
            {
                "name": "Seamark webhook",
                "integrations": [
                    {
                        "name": "webhook",
                        "lastNotifyAttempt": now,
                        "lastNotifyAttemptError": self.error,
                    }
                ],
            },
            {"name": "other", "integrations": [{"name": "email", "lastNotifyAttempt": old}]},
        ]


@pytest.fixture
def world() -> Iterator[World]:
    made = World()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status, answer = made.answer(self.command, self.path, body)
            if self.path.startswith("/api/") and self.headers["Authorization"] != f"Bearer {TOKEN}":
                status, answer = 401, {"message": "Invalid API key"}
            text = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_POST = do_GET

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    made.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield made
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def run(world: World, folder: Path, *, token: str = TOKEN) -> subprocess.CompletedProcess[str]:
    files = {"credentials": {"app": "shop", "ingest_key": KEY, "query_token": "smq_made-up"}}
    (folder / "credentials.json").write_text(json.dumps(files["credentials"]))
    (folder / "token").write_text(f"{token}\n")
    return subprocess.run(
        [
            *(sys.executable, "-m", "seamark", "alert", "test", "--severity", "critical"),
            *("--credentials", str(folder / "credentials.json")),
            *("--url", world.url, "--api-url", world.url),
            *("--grafana-url", world.url, "--grafana-token-file", str(folder / "token")),
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_it_follows_the_alert_to_the_contact_point(world: World, tmp_path: Path) -> None:
    began = time.monotonic()
    ended = run(world, tmp_path)
    assert ended.returncode == 0, ended.stderr
    lines = [line.split()[0] for line in ended.stdout.splitlines()]
    assert lines == ["sent", "stored", "fires", "sent"]
    assert "sent to   Seamark webhook (webhook): taken" in ended.stdout
    assert "other" not in ended.stdout, "nothing was sent there"
    assert world.events == ["seamark.alert_test.critical"]
    assert set(world.filters) == {ALERT}
    assert KEY not in ended.stdout
    assert time.monotonic() - began < 30


def test_it_says_what_the_contact_point_said(world: World, tmp_path: Path) -> None:
    world.error = "unexpected status code 404"
    ended = run(world, tmp_path)
    assert ended.returncode == 1
    assert "Seamark webhook (webhook): unexpected status code 404" in ended.stdout
    assert "not taken by Seamark webhook" in ended.stderr


def test_nothing_is_sent_while_the_last_test_still_fires(world: World, tmp_path: Path) -> None:
    world.firing = True
    ended = run(world, tmp_path)
    assert ended.returncode == 1
    assert "the last test still fires" in ended.stderr
    assert world.events == []


def test_a_wrong_token_is_named_before_anything_is_sent(world: World, tmp_path: Path) -> None:
    ended = run(world, tmp_path, token="glsa_other")
    assert ended.returncode == 1
    assert "service account with the role Admin" in ended.stderr
    assert world.events == []


def test_a_missing_credentials_file_is_named_with_the_way_out(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "seamark", "alert", "test", "--data", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 2
    assert "credentials.json: there is no such file" in ended.stderr
    assert "--data DIR" in ended.stderr
