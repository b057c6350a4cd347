"""Error rates and groups from the real store against counting, over all three places of errors."""

import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from seamark.wire.signals import Signal
from tests.support.error_rule import frames_of, identity, message_of
from tests.support.people_events import DAY, HOUR, MINUTE, NOW, TOKENS
from tests.support.questions_stack import Answers, answering, envelope

pytestmark = pytest.mark.integration
TYPES = ["TypeError", "ValueError"]
MESSAGES = [
    'no "cart" at 17', 'no "user" at 4', "id 0xdeadBEEF is gone\nsecond line", "it's 'here' 1.5",
    "{p0:String} \\ ☠", "", "user 3f2a9c12-1111-4222-8333-0123456789ab at /srv/a.log",
    "user 01ARZ3NDEKTSV4RRFFQ69G5FAV at https://shop.example/a",
]  # fmt: skip
STACKS = [
    "",
    "TypeError: x\n    at total (checkout.js:214:31)\n    at Summary (checkout.js:98:17)",
    "TypeError: x\n    at total (checkout.js:9:1)",
    'Traceback (most recent call last):\n  File "/a.py", line 3, in top\n'
    '  File "/b.py", line 9, in low\n'
    "    raise ValueError",
]
PLATFORMS = ["", "web", "ios"]


@dataclass(frozen=True)
class Occurrence:
    where: str
    org: str
    app: str
    service: str
    weight: float
    time: int
    kind: str
    message: str
    stack: str
    release: str
    user: str
    name: str = "exception"
    platform: str = ""
    ids: tuple[bytes, bytes] = (b"", b"")
    """Trace and span. Those of a span are its own, some log records have those of a span."""


def released(time: int, platform: str) -> list[str]:
    """Releases come out one after another, the newest of one platform later than that of others."""
    if platform == "ios":
        return ["", "1.0"] if time < NOW - HOUR else ["2.0", "3.0"]
    return ["", "1.0"] if time < NOW - 2 * HOUR else ["", "1.0", "2.0"]


def make(count: int) -> list[Occurrence]:
    rng = random.Random(3)
    found: list[Occurrence] = []
    for _ in range(count):
        where = rng.choice(["events", "events", "events", "spans", "logs"])
        platform = rng.choice(PLATFORMS) if where == "events" else ""
        time = NOW - rng.randrange(rng.choice([HOUR, 5 * HOUR, 3 * DAY]))
        found.append(
            Occurrence(
                where=where,
                org=rng.choice(["acme", "acme", "other"]),
                app=rng.choice(["shop", "blog"]),
                service="" if where == "events" else rng.choice(["cart", "pay"]),
                weight=rng.choice([1.0, 1.0, 1.0, 2.0]),
                time=time,
                kind=rng.choice([*TYPES, ""]) if where == "events" else rng.choice(TYPES),
                message=rng.choice(MESSAGES),
                stack=rng.choice(STACKS),
                release=rng.choice(released(time, platform)),
                user=rng.choice(["", "a", "b", "c"]),
                name=rng.choice(["exception", "error", "page_view", "crash", "other"])
                if where == "events"
                else "",
                platform=platform,
                ids=(rng.randbytes(16), rng.randbytes(8)) if where == "spans" else (b"", b""),
            )
        )
    spans = [o for o in found if o.where == "spans"]
    for place, o in enumerate(found):
        if o.where == "logs" and rng.random() < 0.5:
            span = rng.choice(spans)
            near = replace(o, org=span.org, app=span.app, ids=span.ids)
            time = min(span.time + rng.randrange(2 * HOUR), NOW - 1)
            found[place] = replace(near, time=time)
    return found


MADE = make(1500)


def attributes(**values: str) -> list[KeyValue]:
    return [
        KeyValue(key=k.replace("_", "."), value=AnyValue(string_value=v))
        for k, v in values.items()
        if v
    ]


def details(o: Occurrence) -> dict[str, str]:
    found = {
        "exception_type": o.kind,
        "exception_message": o.message,
        "exception_stacktrace": o.stack,
    }
    return {k: v for k, v in found.items() if v}


def body_of(where: str, group: list[Occurrence]) -> tuple[Signal, bytes]:
    if where == "events":
        rows = [
            {
                "ts": o.time,
                "name": o.name,
                "id": f"{o.time}",
                "attrs": {k.replace("_", "."): v for k, v in details(o).items()}
                | ({"release": o.release} if o.release else {})
                | ({"platform": o.platform} if o.platform else {}),
                **({"userAnonId": o.user} if o.user else {}),
            }
            for o in group
        ]
        return Signal.EVENTS, msgspec.json.encode(rows)
    if where == "logs":
        logs = ExportLogsServiceRequest()
        for o in group:
            resource_logs = logs.resource_logs.add()
            resource_logs.resource.attributes.extend(
                attributes(service_name=o.service, service_version=o.release)
            )
            resource_logs.scope_logs.add().log_records.add(
                time_unix_nano=o.time * 1_000_000,
                attributes=attributes(**details(o), user_id=o.user),
                trace_id=o.ids[0],
                span_id=o.ids[1],
            )
        return Signal.LOGS, logs.SerializeToString()
    traces = ExportTraceServiceRequest()
    for o in group:
        resource_spans = traces.resource_spans.add()
        resource_spans.resource.attributes.extend(
            attributes(service_name=o.service, service_version=o.release)
        )
        span = resource_spans.scope_spans.add().spans.add(
            trace_id=o.ids[0], span_id=o.ids[1],
            start_time_unix_nano=o.time * 1_000_000, end_time_unix_nano=o.time * 1_000_000,
            attributes=attributes(user_id=o.user),
        )  # fmt: skip
        span.events.add(name="exception", attributes=attributes(**details(o)))
        span.events.add(name="retry", attributes=attributes(exception_type="NotOne"))
    return Signal.TRACES, traces.SerializeToString()


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Answers]:
    folder = Path(tmp_path_factory.mktemp("errors"))
    groups: dict[tuple[str, str, str, float], list[Occurrence]] = defaultdict(list)
    for o in MADE:
        groups[o.where, o.org, o.app, o.weight].append(o)
    envelopes = []
    for place, ((where, org, app, weight), group) in enumerate(groups.items()):
        signal, body = body_of(where, group)
        sent = envelope(
            signal, body, org=org, app=app, weight=weight,
            received_ms=NOW + place, sent_ms=NOW + place,  # one receipt has one time
        )  # fmt: skip
        envelopes.append((signal, [sent]))
    with answering(folder, envelopes, now_ms=NOW) as running:
        yield running


questions: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {
        "names": st.lists(
            st.sampled_from(["exception", "error", "crash", "other", "nothing"]), unique=True
        )
        | st.just(["exception", "error"]),
        "against": st.sampled_from(["page_view", "", "nothing"]),
        "spans": st.booleans(),
        "logs": st.booleans(),
        "filters": st.sampled_from(
            [
                [],
                [{"key": "release", "op": "!=", "value": "1.0"}],
                [{"key": "error", "value": "TypeError"}, {"key": "app", "value": "shop"}],
                [{"key": "country", "op": "!exists"}],
            ]
        ),
        "from": st.sampled_from([NOW - HOUR, NOW - 5 * HOUR, NOW - 4 * DAY]),
        "to": st.sampled_from([NOW, NOW - 1_800_000]),
        "limit": st.sampled_from([2, 500]),
    }
)


def keeps(o: Occurrence, filters: list[dict[str, Any]]) -> bool:
    have = {"release": o.release, "error": o.kind, "app": o.app}
    return all(
        (have.get(f["key"], "") == f.get("value", "")) is (f.get("op") != "!=") for f in filters
    )


@settings(max_examples=100, deadline=None, derandomize=True)
@given(body=questions, token=st.sampled_from(["acme", "shop", "other"]))
def test_rates_and_groups_are_what_counting_gives(
    answers: Answers, body: dict[str, Any], token: str
) -> None:
    answer = answers("/v1/query/errors", token, body)
    length = MINUTE if body["from"] >= NOW - 6 * HOUR else HOUR
    since, until = body["from"] // length * length, -(-body["to"] // length) * length
    org, app = TOKENS[token]
    mine = [o for o in MADE if o.org == org and app in ("", o.app)]
    found = [o for o in mine if since <= o.time < until and keeps(o, body["filters"])]
    check_rates(answer, [o for o in found if o.where == "events"], body)
    wanted = {"events", *(["spans"] if body["spans"] else []), *(["logs"] if body["logs"] else [])}
    errors = [
        o for o in found
        if o.where in wanted and (o.where != "events" or o.kind or o.name in body["names"])
    ]  # fmt: skip
    if body["spans"] and body["logs"]:
        near = [o for o in mine if since - HOUR <= o.time < until + HOUR and o.where == "spans"]
        reported = {(o.app, o.ids, o.kind) for o in near}
        errors = [o for o in errors if o.where != "logs" or (o.app, o.ids, o.kind) not in reported]
    check_groups(answer, errors, body["limit"], newest(mine, since, until))


def check_rates(answer: Any, events: list[Occurrence], body: dict[str, Any]) -> None:
    def rates(release: str | None) -> tuple[str, float, float, Any]:
        of = [o for o in events if release in (None, o.release)]
        errors = sum(o.weight for o in of if o.kind or o.name in body["names"])
        against = sum(o.weight for o in of if body["against"] in ("", o.name))
        rate = pytest.approx(errors / against) if against else None
        return release or "", errors, against, rate

    def told(row: Any) -> tuple[str, float, float, Any]:
        return row["release"], row["errors"], row["against"], row["rate"]

    assert told(answer["total"]) == rates(None)
    found = [rates(r) for r in {o.release for o in events}]
    expected = sorted((r for r in found if r[1] or r[2]), key=lambda r: (-r[1], r[0]))
    assert [told(row) for row in answer["releases"]] == expected


def newest(mine: list[Occurrence], since: int, until: int) -> dict[tuple[str, str], str]:
    """Of each app and platform; of platform "" over all of them."""
    first: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
    for o in mine:
        hour = o.time // HOUR * HOUR
        within = since // HOUR * HOUR <= hour < until
        if o.where == "events" and o.release and within:
            for platform in {"", o.platform}:
                known = first[o.app, platform]
                known[o.release] = min(known.get(o.release, hour), hour)
    return {
        key: max((hour, release) for release, hour in releases.items())[1]
        for key, releases in first.items()
        if len(releases) > 1
    }


def check_groups(
    answer: Any, errors: list[Occurrence], limit: int, latest: dict[tuple[str, str], str]
) -> None:
    groups: dict[tuple[str, ...], list[Occurrence]] = defaultdict(list)
    for o in errors:
        groups[o.app, o.service, o.kind, *identity(o.message, o.stack)].append(o)
    counts = sorted((sum(o.weight for o in g) for g in groups.values()), reverse=True)
    assert [g["count"] for g in answer["groups"]] == counts[:limit]
    assert answer["meta"]["truncated"] is (len(groups) > limit)
    assert len({g["fingerprint"] for g in answer["groups"]}) == len(answer["groups"])
    for g in answer["groups"]:
        sample = g["sample"]
        same = identity(sample["message"], sample["stacktrace"])
        of = groups[g["app"], g["service"], g["type"], *same]
        assert g["message"] == message_of(sample["message"])
        assert g["frame"] == frames_of(sample["stacktrace"]).split("\n")[0]
        releases = {o.release for o in of}
        assert g["count"] == sum(o.weight for o in of)
        assert g["people"] == (len({o.user for o in of if o.user}) or None)
        assert (g["firstSeen"], g["lastSeen"]) == (min(o.time for o in of), max(o.time for o in of))
        assert g["releases"] == sorted(releases - {""})
        new = len(releases) == 1 and {latest.get((o.app, o.platform)) for o in of} == releases
        assert g["newIn"] == (next(iter(releases)) if new else "")
        assert (g["sample"]["time"], g["sample"]["message"]) in {(o.time, o.message) for o in of}
        assert g["sample"]["time"] == g["lastSeen"]
