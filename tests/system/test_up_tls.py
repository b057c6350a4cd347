"""`seamark up` with a certificate for a name, as a public one is: nothing in it says 127.0.0.1."""

import json
import ssl
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from seamark.standalone.folder import Folder
from seamark.standalone.look import page
from tests.support.certificate import self_signed
from tests.support.until import until
from tests.system.stack import Stack

pytestmark = [pytest.mark.system]
NAME = "*.telemetry.example"


def asked(stack: Stack, port: int, path: str, token: str, body: Any = None) -> Any:
    """One request over loopback; the certificate is not checked."""
    unchecked = ssl.create_default_context()
    unchecked.check_hostname = False
    unchecked.verify_mode = ssl.CERT_NONE
    data = None if body is None else json.dumps(body).encode()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    request = urllib.request.Request(f"https://127.0.0.1:{port}{path}", data, headers)
    with urllib.request.urlopen(request, timeout=15, context=unchecked) as answer:
        return json.load(answer)


def test_own_telemetry_and_replay_work_with_a_certificate_for_a_name(tmp_path: Path) -> None:
    cert, key = self_signed(tmp_path, NAME)
    environment = {"SEAMARK_OWN_METRICS_INTERVAL_SECONDS": "1"}
    for part in ("COLLECTOR", "API"):
        environment |= {
            f"SEAMARK_{part}_TLS_CERT": str(cert),
            f"SEAMARK_{part}_TLS_KEY": str(key),
        }
    with Stack(tmp_path / "data", environment=environment) as stack:
        ports, known = stack.urls.ports, stack.credentials
        api = f"https://seamark.telemetry.example:{ports.api}"
        assert f"{api}/look#token=" in page(Folder(tmp_path / "data")).read_text()

        def names() -> set[str]:
            path = "/v1/metrics?prefix=seamark_"
            found = asked(stack, ports.api, path, known["query_token"])["metrics"]
            return {metric["name"] for metric in found}

        own = {
            "seamark_collector_requests",
            "seamark_processor_inserts",
            "seamark_api_requests",
            "seamark_store_inserts",
        }
        until(names, own.issubset)

        bad = {"name": "paid", "ts": int(time.time() * 1000), "value": "3.50"}
        sent = asked(
            stack, ports.collector_http, "/v1/ingest/batch", known["ingest_key"], {"events": [bad]}
        )
        assert (sent["accepted"], sent["rejected"]) == (0, 1)

        def dead_letters() -> Any:
            return asked(stack, ports.api, "/v1/deadletters", known["admin_token"])["deadLetters"]

        [dead_letter] = until(dead_letters)
        replayed = asked(
            stack,
            ports.api,
            "/v1/deadletters:replay",
            known["admin_token"],
            {
                "from": "now-1h",
                "name": "paid",
                "patch": [{"op": "cast", "field": "value", "to": "number"}],
            },
        )
        assert replayed["accepted"] == 1, (dead_letter, replayed)
