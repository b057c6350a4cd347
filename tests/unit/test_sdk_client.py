"""The Python SDK's client without a network: what it keeps and drops, and that nothing raises."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from seamark_sdk import batch_body
from seamark_sdk.client import Client
from seamark_sdk.core.sampling import kept
from seamark_sdk.journal import MOST_BYTES, MOST_EVENTS
from seamark_sdk.repeats import MOST, Repeats
from seamark_sdk.scope import Scope, current, enter
from seamark_sdk.settings import Settings, read_endpoint, read_service, spool_folder

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
