"""The Python SDK's client without a network: what it keeps and drops, and that nothing raises."""

import gzip
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import seamark_sdk
from hypothesis import given
from hypothesis import strategies as st
from seamark_sdk import batch_body
from seamark_sdk.batch_body import read_events
from seamark_sdk.client import Client
from seamark_sdk.core.sampling import kept
from seamark_sdk.core.user_hash import user_hash
from seamark_sdk.journal import MOST_BYTES, MOST_EVENTS, seal_orphans
from seamark_sdk.repeats import MOST, Repeats
from seamark_sdk.scope import Scope, current, enter
from seamark_sdk.settings import Settings, read_endpoint, read_service, spool_folder
from seamark_sdk.spool import Spool

from tests.support.sdk_log import sdk_environment

KEY = "smk_unit_test_key"
AWAY = "http://127.0.0.1:9"
Make = Callable[..., Client]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Makes clients whose collector is away; none has a thread, so that a pass is ours to run."""

    def made(**settings: Any) -> Client:
        folder = settings.pop("folder", tmp_path / "spool")
        client = Client(
            Settings(
                key=KEY,
                endpoint=AWAY,
                service="shop",
                release="2.5.0",
                environment="prod",
                folder=folder,
                **settings,
            )
        )
        client.spool.prepare()
        client._thread = _NoThread()  # type: ignore[assignment]
        return client

    return made


class _NoThread:
    def is_alive(self) -> bool:
        return False


def stored(client: Client) -> list[dict[str, Any]]:
    """Every event of sealed batches, in order, after a pass that seals."""
    client.flush(0.0)
    documents = [
        json.loads(gzip.decompress(waiting.path.read_bytes()) + b"}")
        for waiting in client.spool.waiting()
    ]
    return [event for document in documents for event in document["events"]]


def test_an_event_says_where_it_comes_from_and_whose_it_is(make: Make) -> None:
    client, before = make(), current()
    enter(Scope(user="hash", session="s-1", attributes={"tenant": "gold"}))
    client.track("purchase", {"plan": "gold"}, value=19.9, unit="EUR")
    enter(before)

    (event,) = stored(client)
    assert event["attrs"] == {
        "service.name": "shop",
        "service.version": "2.5.0",
        "deployment.environment.name": "prod",
        "platform": "server",
        "tenant": "gold",
        "plan": "gold",
    }
    assert (event["name"], event["value"], event["unit"]) == ("purchase", 19.9, "EUR")
    assert (event["userAnonId"], event["sessionId"]) == ("hash", "s-1")
    assert client.stats()["tracked"] == 1


def test_a_hook_that_fails_or_says_no_drops_the_event(make: Make) -> None:
    def hook(event: dict[str, Any]) -> dict[str, Any] | None:
        if event["name"] == "bad":
            raise RuntimeError("a fault of the hook")
        return None if event["name"] == "no" else {**event, "attrs": {"seen": True}}

    client = make(before_send=hook)
    for name in ("bad", "no", "yes"):
        client.track(name)

    assert [(event["name"], event["attrs"]) for event in stored(client)] == [
        ("yes", {"seen": True})
    ]
    assert client.stats()["dropped"] == {"track_failed": 1, "redacted": 1}


def test_whole_sessions_are_sampled(make: Make) -> None:
    client, before = make(sample_rate=0.5), current()
    sessions = [f"session-{number}" for number in range(40)]
    for session in sessions:
        enter(Scope(session=session))
        client.track("a")
        client.track("b")
    enter(before)

    wanted = [session for session in sessions if kept(session, 0.5)]
    assert [event["sessionId"] for event in stored(client)] == [one for one in wanted for _ in "ab"]
    assert client.stats()["sampled"] == 2 * (len(sessions) - len(wanted))


def test_an_error_has_its_innermost_frames_and_no_addresses(make: Make) -> None:
    def deep(level: int) -> None:
        if level == 0:
            raise ValueError("no account of ann@shop.example")
        deep(level - 1)

    client = make()
    for _ in range(MOST + 2):
        try:
            deep(100)
        except ValueError as error:
            client.capture_exception(error)

    events = stored(client)
    assert len(events) == MOST
    attrs = events[0]["attrs"]
    assert attrs["exception.type"] == "ValueError"
    assert attrs["exception.message"] == "no account of [email]"
    assert attrs["exception.stacktrace"].endswith("ValueError: no account of [email]\n")
    assert "shop.example" not in attrs["exception.stacktrace"]
    assert client.stats()["dropped"] == {"repeated": 2}


def test_repeats_are_allowed_again_after_a_minute() -> None:
    repeats = Repeats()
    assert [repeats.allows("a", 100.0) for _ in range(MOST + 1)] == [True] * MOST + [False]
    assert repeats.allows("b", 159.0)
    assert not repeats.allows("a", 159.9)
    assert repeats.allows("a", 160.0)


def test_a_folder_that_cannot_be_written_loses_events_by_count_and_raises_nothing(
    make: Make, tmp_path: Path
) -> None:
    client = make()
    (tmp_path / "file").write_text("")
    broken = Client(
        Settings(
            key=KEY,
            endpoint=AWAY,
            service="s",
            release="",
            environment="",
            folder=tmp_path / "file" / "spool",
        )
    )
    broken.track("lost")
    assert broken.stats()["dropped"] == {"track_failed": 1}
    assert client.stats()["dropped"] == {}


def test_a_disk_that_fills_up_within_an_event_spoils_no_other(tmp_path: Path) -> None:
    """The limit of a file's size stands for a full disk: a write stops in the middle."""
    script = (
        "import resource, os, seamark_sdk as s\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, 4_000))\n"
        "s.configure(telemetry=False)\n"
        "for n in range(40): s.track(f'first.{n}', {'page': '/cart'})\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4_000, 4_000))\n"
        "for n in range(5): s.track(f'then.{n}')\n"
        "print(s.stats()['tracked'], s.stats()['dropped'], flush=True)\n"
        "os._exit(0)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=sdk_environment(
            SEAMARK_KEY=KEY, SEAMARK_ENDPOINT=AWAY, SEAMARK_SPOOL_DIR=str(tmp_path)
        ),
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    tracked = int(done.stdout.split()[0])
    assert 5 < tracked < 45
    assert f"{{'track_failed': {45 - tracked}}}" in done.stdout

    spool = Spool(spool_folder(tmp_path, key=KEY, endpoint=AWAY), most_bytes=1 << 20)
    assert seal_orphans(spool, sample_rate=1.0) == 0
    (waiting,) = spool.waiting()
    names = [json.loads(event)["name"] for event in read_events(waiting.path.read_bytes())]
    assert len(names) == tracked
    assert names[-5:] == [f"then.{number}" for number in range(5)]


def test_a_journal_with_a_hole_loses_what_is_in_it_and_no_more(make: Make) -> None:
    client = make()
    for name in ("a", "b", "c"):
        client.track(name)
    (journal,) = client.spool.folder("events").glob("*.open")
    lines = journal.read_bytes().split(b"\n")
    journal.write_bytes(b"\n".join([lines[0], b"\0" * len(lines[1]), lines[2], b'{"cut']))

    assert [event["name"] for event in stored(client)] == ["a", "c"]
    assert client.stats()["dropped"] == {"unreadable": 1}


def test_a_signal_handler_may_track_within_track(make: Make) -> None:
    def hook(event: dict[str, Any]) -> dict[str, Any]:
        if event["name"] == "outer":
            client.track("inner")
        return event

    client = make(before_send=hook)
    with client._lock:  # where a signal would find it
        client.track("outer")
    assert {event["name"] for event in stored(client)} == {"outer", "inner"}


def test_batches_hold_what_the_limits_allow(make: Make) -> None:
    client = make()
    for number in range(MOST_EVENTS + 1):
        client.track(f"n{number}")
    for _ in range(30):
        client.track("large", {f"k{n}": "x" * 4096 for n in range(20)})

    client.flush(0.0)
    batches = [
        json.loads(gzip.decompress(waiting.path.read_bytes()) + b"}")["events"]
        for waiting in client.spool.waiting()
    ]
    assert sum(len(batch) for batch in batches) == MOST_EVENTS + 31
    assert len(batches[0]) == MOST_EVENTS
    assert all(len(json.dumps(batch)) < 2 * MOST_BYTES for batch in batches)


names = st.text(max_size=200)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=50) | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Client:
    client = Client(
        Settings(
            key=KEY,
            endpoint=AWAY,
            service="s",
            release="",
            environment="",
            folder=tmp_path_factory.mktemp("any") / "spool",
        )
    )
    client.spool.prepare()
    client._thread = _NoThread()  # type: ignore[assignment]
    return client


@given(name=names, attributes=st.dictionaries(names, anything, max_size=4), value=anything)
def test_whatever_is_tracked_is_kept(
    shared: Client, name: str, attributes: dict[str, object], value: Any
) -> None:
    before = shared.statistics.read()
    shared.track(name, attributes, value=value, unit="é" * 100)
    after = shared.statistics.read()
    assert after["dropped"] == {}
    assert int(str(after["tracked"])) == int(str(before["tracked"])) + 1


@given(
    events=st.lists(st.dictionaries(st.text(max_size=5), st.text(max_size=9)), max_size=5),
    sent_ms=st.integers(0, 10**13),
)
def test_the_body_of_an_attempt_is_the_stored_one_and_the_time(
    events: list[dict[str, str]], sent_ms: int
) -> None:
    encoded = [batch_body.encode_event(event) for event in events]
    body = batch_body.stored_body(encoded, batch_id="b")
    assert batch_body.read_events(body) == encoded
    document = json.loads(gzip.decompress(batch_body.sent_body(body, sent_ms)))
    assert (document["events"], document["sentAt"], document["batchId"]) == (events, sent_ms, "b")


def test_ids_that_are_no_text_become_text(make: Make) -> None:
    before = current()
    seamark_sdk.identify(42)  # type: ignore[arg-type]
    seamark_sdk.set_session(7)  # type: ignore[arg-type]
    client = make()
    client.track("a")
    enter(before)
    (event,) = stored(client)
    assert event["sessionId"] == "7"
    assert event["userAnonId"] == user_hash("42", "")


def test_settings_come_from_arguments_then_seamark_then_opentelemetry(tmp_path: Path) -> None:
    told = {"SEAMARK_ENDPOINT": "http://s", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://o"}
    assert read_endpoint("http://a/", told) == "http://a"
    assert read_endpoint(None, told) == "http://s"
    assert read_endpoint(None, {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://o/"}) == "http://o"
    assert read_endpoint(None, {}) == "http://127.0.0.1:4318"
    assert read_service(None, {"OTEL_SERVICE_NAME": "cart"}) == "cart"
    assert read_service("web", {"OTEL_SERVICE_NAME": "cart"}) == "web"

    here = [spool_folder(tmp_path, key=key, endpoint=AWAY) for key in ("a", "b", "a")]
    assert here[0] == here[2] != here[1]
    home = spool_folder(None, key="a", endpoint=AWAY, environ={"HOME": str(tmp_path)})
    assert home.is_relative_to(tmp_path / ".local" / "state")
