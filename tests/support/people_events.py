"""Random events of people in sessions, and the application that is asked about them.

One set of events of two orgs, for the questions whose oracles count the same events in Python.
"""

import contextlib
import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from seamark.wire.signals import Signal
from tests.support.questions_stack import Answers, answering, envelope

NOW = 1_795_343_040_123  # 2026-11-22T10:24:00.123Z, a Sunday
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
NAMES = ["page_view", "cart", "pay", "other"]
PAGES = ["/", "/a", "/b"]
COUNTRIES = ["US", "DE", ""]
TOKENS = {"acme": ("acme", ""), "shop": ("acme", "shop"), "other": ("other", "")}
"""Token -> org and app it may see."""


@dataclass(frozen=True)
class Event:
    org: str
    app: str
    name: str
    time: int
    ts: int
    weight: float
    user: str
    session: str
    value: float | None
    attrs: dict[str, str]
    id: str

    def label(self, key: str) -> str:
        return self.app if key == "app" else self.attrs.get(key, "")


def make_events(count: int) -> list[Event]:
    """Few people who do much, most of it within hours, so that chains and gaps occur.

    Without `sentAt` (weight 2) all events of a batch have one time, and only the device's clock
    tells them apart; some have even that in common.
    """
    rng = random.Random(11)
    found: list[Event] = []
    for _ in range(count):
        weight = rng.choice([1.0, 1.0, 1.0, 2.0])
        ts = NOW - rng.randrange(rng.choice([HOUR, 6 * HOUR, 3 * DAY, 9 * DAY])) // 1000 * 1000
        user = rng.choice(["", "", *(f"u{i}" for i in range(25))])
        found.append(
            Event(
                org=rng.choice(["acme", "acme", "acme", "other"]),
                app=rng.choice(["shop", "blog"]),
                name=rng.choice(NAMES),
                time=NOW if weight == 2.0 else ts,
                ts=ts,
                weight=weight,
                user=user,
                session=rng.choice(["", *(f"s{i}" for i in range(30))]),
                value=rng.choice([None, float(rng.randrange(-20, 500)), 0.0]),
                attrs={
                    "country": rng.choice(COUNTRIES),
                    "page": rng.choice(PAGES),
                    "plan": rng.choice(["gold", "iron"]),
                },
                id=str(len(found)),
            )
        )
    return found


EVENTS = make_events(3000)


def envelopes() -> list[bytes]:
    """One envelope for each sender and weight."""
    groups: dict[tuple[str, str, float], list[dict[str, Any]]] = defaultdict(list)
    for event in EVENTS:
        row: dict[str, Any] = {"ts": event.ts, "name": event.name, "id": event.id}
        row["attrs"] = {k: v for k, v in event.attrs.items() if v}
        if event.value is not None:
            row["value"] = event.value
        if event.session:
            row["sessionId"] = event.session
        if event.user:
            row["userAnonId"] = event.user
        groups[event.org, event.app, event.weight].append(row)
    return [
        envelope(
            Signal.EVENTS,
            msgspec.json.encode(rows),
            org=org, app=app, weight=weight, received_ms=NOW,
            sent_ms=None if weight == 2.0 else NOW,
        )
        for (org, app, weight), rows in groups.items()
    ]  # fmt: skip


def visible(token: str, from_ms: int, to_ms: int) -> list[Event]:
    """What a token may see of a range, which is widened to whole minutes."""
    org, app = TOKENS[token]
    since, until = from_ms // MINUTE * MINUTE, -(-to_ms // MINUTE) * MINUTE
    return [
        e for e in EVENTS
        if e.org == org and app in ("", e.app) and since <= e.time < until
    ]  # fmt: skip


def persons(events: list[Event], identity: str) -> dict[str, str]:
    """Event id -> the person it belongs to, of the events of a scope and range; "" is nobody."""
    first: dict[str, Event] = {}
    for event in sorted(events, key=lambda e: (e.time, e.ts, e.user.encode())):
        if event.session and event.user:
            first.setdefault(event.session, event)
    found = {}
    for event in events:
        user = f"u{event.user}" if event.user else ""
        session = f"s{event.session}" if event.session else ""
        linked = ""
        if identity == "linked" and event.session in first:
            linked = f"u{first[event.session].user}"
        order = (session, user) if identity == "session" else (user, linked, session)
        found[event.id] = next((one for one in order if one), "")
    return found


@contextlib.contextmanager
def answering_people(folder: Path) -> Iterator[Answers]:
    """The application over a store that holds EVENTS; its clock stands at NOW."""
    with answering(folder, [(Signal.EVENTS, envelopes())], now_ms=NOW) as answers:
        yield answers
