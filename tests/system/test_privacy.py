"""Nothing that an app's rules redact is in any file of a stack, nor in any answer of its store."""

import json
import os
import random
import re
import signal
import time
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from collector.receivers.otlp_kinds import TRACES
from seamark.wire.privacy import DETECTORS
from tests.support.data_search import TextSearch, files
from tests.support.planted_secrets import Planted, planted_secrets
from tests.support.until import until
from tests.system.documented import commands, shell
from tests.system.stack import Stack

pytestmark = [pytest.mark.system]
PAGE = Path(__file__).parents[2] / "docs" / "privacy.md"
SCHEMAS = PAGE.with_name("schemas.md")
ENVIRONMENT = {"SEAMARK_ARCHIVE_BLOCK_AGE_SECONDS": "1"}
CONTROL = "plantedcontrol4k8jm2"
"""Not redacted: shows that the search sees what is there."""
RULES = {
    "rules": [
        {"name": "found", "action": "mask", "detect": list(DETECTORS)},
        {"name": "secrets", "action": "mask", "keys": ["password", "*.secret"]},
    ]
}
TABLES = "SELECT name FROM system.tables WHERE database = 'seamark' AND engine LIKE '%MergeTree%'"


@dataclass(frozen=True, slots=True)
class Sender:
    """Sends for an app whose rules redact everything that is planted."""

    stack: Stack
    key: str

    def post(self, path: str, body: bytes, content_type: str = "application/json") -> Any:
        """The answer of the collector to one request."""
        headers = {"X-API-Key": self.key, "Content-Type": content_type}
        request = urllib.request.Request(self.stack.urls.ingest + path, data=body, headers=headers)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.read()

    def native(self, texts: Sequence[str]) -> None:
        """A good and a bad event for each text."""
        events: list[dict[str, Any]] = []
        for place, text in enumerate(texts):
            event = {
                "ts": time.time_ns() // 1_000_000,
                "name": "planted",
                "attrs": {"text": text, text[:120]: place, "control": CONTROL},
                "device": {"model": text},
                "sessionId": f"s{place}",
            }
            events += event, {**event, "name": f"no name {text}", "more": {"deep": [text]}}
        self.post("/v1/ingest/batch", json.dumps({"events": events}).encode())

    def compat(self, texts: Sequence[str]) -> None:
        """Events of another product, and plain metrics."""
        events = [
            {
                "eventType": "planted",
                "userId": f"u-{text}"[:100],
                "properties": {"a": [{"b": text}]},
            }
            for text in texts
        ]
        self.post("/v1/events", json.dumps(events).encode())

    def logs(self, texts: Sequence[str]) -> None:
        """Log records in JSON."""
        records = [
            {
                "body": {"kvlistValue": {"values": [_text("inner", text)]}},
                "eventName": text,
                "attributes": [_text("exception.stacktrace", f"at {text}\n"), _text(text, "v")],
            }
            for text in texts
        ]
        scope = {"scope": {"name": texts[0], "attributes": [_text("s", texts[1])]}}
        resource = {"attributes": [_text("r", texts[2]), _text("control", CONTROL)]}
        document = {"resource": resource, "scopeLogs": [{**scope, "logRecords": records}]}
        self.post("/v1/logs", json.dumps({"resourceLogs": [document]}).encode())

    def spans(self, texts: Sequence[str]) -> None:
        """Spans in protobuf; every other one has no valid id."""
        rng = random.Random(7)
        spans = [
            {
                "trace_id": rng.randbytes(16),
                "span_id": rng.randbytes(8) if place % 2 else b"short",
                "name": text,
                "start_time_unix_nano": time.time_ns(),
                "end_time_unix_nano": time.time_ns(),
                "status": {"message": text, "code": 2},
                "attributes": [{"key": "url.full", "value": {"string_value": text}}],
                "events": [
                    {
                        "name": "exception",
                        "attributes": [
                            {"key": "exception.message", "value": {"string_value": text}},
                            {"key": "bytes", "value": {"bytes_value": text.encode()}},
                            {"key": "control", "value": {"string_value": CONTROL}},
                        ],
                    }
                ],
            }
            for place, text in enumerate(texts)
        ]
        request = TRACES.request(resource_spans=[{"scope_spans": [{"spans": spans}]}])
        body = request.SerializeToString()
        self.post("/v1/traces", body, "application/x-protobuf")


def _text(key: str, text: str) -> dict[str, Any]:
    return {"key": key, "value": {"stringValue": text}}


def _keyed(rng: random.Random) -> Iterator[Planted]:
    """Secrets that rules know by the key of their attribute."""
    for form in ('{{"password":"{}"}}', "login?password={}&x=1", '{{"a":{{"secret":["{}"]}}}}'):
        secret = f"keyed{rng.randbytes(6).hex()}"
        yield Planted("key", form, form.format(secret), secret)


@pytest.fixture(scope="module")
def sender(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sender]:
    with Stack(tmp_path_factory.mktemp("privacy") / "data", environment=ENVIRONMENT) as stack:
        headers = {"Authorization": f"Bearer {stack.credentials['admin_token']}"}
        made = {"appId": "private", "redaction": RULES}
        request = urllib.request.Request(
            f"{stack.urls.api}/v1/admin/apps", data=json.dumps(made).encode(), headers=headers
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            key = json.load(answer)["apiKey"]["key"]
        yield Sender(stack, key)


def _stored(stack: Stack, query: str) -> bytes:
    request = urllib.request.Request(
        stack.urls.store,
        data=query.encode(),
        headers={"X-ClickHouse-User": "seamark", "X-ClickHouse-Key": stack.secrets["store"]},
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return bytes(answer.read())


def _in_store(stack: Stack, search: TextSearch) -> dict[str, set[str]]:
    tables = _stored(stack, TABLES).decode().split()
    return {
        table: search.found(_stored(stack, f"SELECT * FROM seamark.{table} FORMAT JSONEachRow"))
        for table in tables
    }


def _in_files(folder: Path, search: TextSearch) -> dict[str, set[str]]:
    found = {str(path.relative_to(folder)): search.found_in_file(path) for path in files(folder)}
    return {name: needles for name, needles in found.items() if needles}


def test_the_page_makes_an_app_whose_cards_are_masked(sender: Sender, tmp_path: Path) -> None:
    page = commands(PAGE, sender.stack)
    made = json.loads(shell(page["make"], folder=tmp_path))
    assert made["redaction"]["rules"][0]["name"] == "cards"
    sent = until(
        lambda: json.loads(shell(page["send"], folder=tmp_path)),
        lambda answer: "accepted" in answer,
    )
    assert sent["accepted"] == 1
    seen = until(
        lambda: json.loads(shell(page["see"], folder=tmp_path)),
        lambda answer: "error" not in answer,
    )
    assert "card [card]" in json.dumps(seen)


def test_the_page_of_schemas_rejects_an_event_as_it_says(sender: Sender) -> None:
    page, text = commands(SCHEMAS, sender.stack), SCHEMAS.read_text()
    assert json.loads(shell(page["register"]))["version"] == 1
    sent = until(lambda: json.loads(shell(page["send"])), lambda answer: answer["rejected"])
    del sent["receiptId"]
    [shown] = re.findall(r"^```json answer\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert sent == json.loads(shown)
    query = "SELECT field, message FROM seamark.dead_letters WHERE reason = 'schema_violation'"
    letters = until(lambda: _stored(sender.stack, query))
    sender.native(["plain"])
    infer = page["infer"].replace("$(token app)", "private").replace("page_view", "planted")
    proposed = until(lambda: json.loads(shell(infer)), lambda answer: "schema" in answer)
    assert proposed["schema"]["properties"]["attrs"]["properties"]["control"] == {"type": "string"}
    assert b"attrs.amount" in letters
    assert b"/attrs/amount" in letters


def test_no_planted_secret_is_in_any_file(sender: Sender) -> None:
    stack, rng = sender.stack, random.Random(3)
    secrets = [*planted_secrets(seed=rng.randrange(1 << 30)), *_keyed(rng)]
    assert len(secrets) >= 200
    texts = [secret.text for secret in secrets]
    nats = stack.pids["nats"]
    os.kill(nats, signal.SIGSTOP)  # what is sent now waits in the spool
    try:
        sender.native(texts[:100])
        spooled = _in_files(stack.data / "spool", TextSearch([CONTROL]))
    finally:
        os.kill(nats, signal.SIGCONT)
    assert spooled, "nothing was spooled"
    for send in (sender.native, sender.compat, sender.logs, sender.spans):
        for start in range(0, len(texts), 100):
            send(texts[start : start + 100])
    control = TextSearch([CONTROL])
    wanted = {"events", "logs", "spans", "dead_letters"}
    until(lambda: {table for table, found in _in_store(stack, control).items() if found} >= wanted)
    folders = {"nats", "archive"}
    until(lambda: {name.split("/")[0] for name in _in_files(stack.data, control)} >= folders)

    search = TextSearch([*(secret.needle for secret in secrets), CONTROL])
    in_store = _in_store(stack, search)
    assert {table: found for table, found in in_store.items() if found - {CONTROL}} == {}
    stack.stop()  # files that stay as they are
    in_files = _in_files(stack.data, search)
    assert {name.split("/")[0] for name, found in in_files.items() if CONTROL in found} >= folders
    assert {name: found for name, found in in_files.items() if found - {CONTROL}} == {}
