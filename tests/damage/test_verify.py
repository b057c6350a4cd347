"""`seamark verify` says yes to a healthy stack that is used, whatever times its senders have."""

import json
import os
import time
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from tests.support.until import until
from tests.system.recovery_load import Sender, ask
from tests.system.stack import Stack, run

pytestmark = [pytest.mark.system, pytest.mark.slow]
SETTINGS = {
    "SEAMARK_ARCHIVE_BLOCK_AGE_SECONDS": "0.5",
    "SEAMARK_OWN_METRICS_INTERVAL_SECONDS": "2",
}
YEARS = (1970, 1971, 2001, 2025, 2106, 2107, 2200, 2262)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack(tmp_path_factory.mktemp("verify") / "data", environment=SETTINGS) as running:
        yield running


def post(stack: Stack, path: str, body: object) -> None:
    request = urllib.request.Request(
        stack.urls.ingest + path,
        data=json.dumps(body).encode(),
        headers={
            "X-API-Key": stack.credentials["ingest_key"],
            "Content-Type": "application/json",
        },
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.status == 200


def odd_times() -> list[str]:
    """Nanoseconds of years that clocks are set to by mistake, and of this minute."""
    firsts = [int(datetime(year, 1, 1, tzinfo=UTC).timestamp()) for year in YEARS]
    return [str(max(second * 10**9, 1)) for second in [*firsts, int(time.time())]]


def send_odd(stack: Stack) -> None:
    spans = [
        {
            "traceId": os.urandom(16).hex(),
            "spanId": os.urandom(8).hex(),
            "name": "odd",
            "startTimeUnixNano": at,
            "endTimeUnixNano": at,
            "events": [{"name": "exception", "timeUnixNano": at}],
        }
        for at in odd_times()
    ]
    points = [{"timeUnixNano": at, "asDouble": 1.5} for at in odd_times()]
    post(stack, "/v1/traces", {"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]})
    gauge = {"name": "odd", "gauge": {"dataPoints": points}}
    post(stack, "/v1/metrics", {"resourceMetrics": [{"scopeMetrics": [{"metrics": [gauge]}]}]})


def test_verify_agrees_on_a_live_stack(stack: Stack) -> None:
    send_odd(stack)
    count = (
        "SELECT (SELECT count() FROM seamark.spans), (SELECT count() FROM seamark.metric_points)"
    )
    until(lambda: ask(stack, count), lambda found: all(int(n) > len(YEARS) for n in found[0]))
    with Sender(stack, batch=5):
        now = datetime.now(UTC)
        ends = [[], ["--to", f"{now - timedelta(seconds=17):%Y-%m-%dT%H:%M:%SZ}"]]
        for end in ends:
            found = run(
                *("verify", "--data", str(stack.data), "--from", "2h", "--json", *end), timeout=200
            )
            assert found.returncode == 0, found.stdout + found.stderr
            assert json.loads(found.stdout)["verdict"] == "agree"


def test_what_cannot_be_counted_is_neither_yes_nor_no(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    found = run("verify", "--data", str(tmp_path_factory.mktemp("nothing")), timeout=60)
    assert found.returncode == 3
    assert "nothing runs in" in found.stderr
