"""Who did an event: the one rule of identity, for every question about people.

| identity | an event belongs to |
|---|---|
| `session` | its session; without one, its user |
| `user` | its user; without one, its session |
| `linked` | its user; without one, the first user of its session; without such, its session |

An event with neither user nor session is left out. The first user of a
session is that of its earliest event with a user, by time, then by the device's clock, then by the
user's id, among all events of the range and scope. So with `linked` what was done before a login,
or after a logout, counts for the person who was logged in during that session. An event with a
user of its own is never given to another one.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Final, Literal

import msgspec

from api.query.events import event_conditions
from api.query.statement import Values, fill
from api.query.timerange import NARROWER, TimeRange
from api.reasons import QuestionReason
from seamark.wire.failures import Rejected

Identity = Annotated[
    Literal["session", "user", "linked"],
    msgspec.Meta(
        title="Identity",
        description="Whom an event counts for: its session, its user, or the user of its session",
    ),
]
CountedIdentity = Annotated[
    Literal["session", "user", "linked"] | None,
    msgspec.Meta(
        title="Identity",
        description="Whom an event counts for in uniq_users; without it, the user it names",
    ),
]
HAS_PERSON: Final = "(user_id != '' OR session_id != '')"
"""SQL that is true of an event with a user or a session."""
SESSION: Final = "if(session_id != '', concat('s', session_id), concat('u', user_id))"
"""SQL of the identity `session`."""
USER: Final = "if(user_id != '', concat('u', user_id), concat('s', session_id))"
"""SQL of the identity `user`."""
LINKED: Final = (
    "multiIf(user_id != '', concat('u', user_id), first_user != '', concat('u', first_user),"
    " concat('s', session_id))"
)
"""SQL of the identity `linked`; `first_user` comes from the join."""


def narrower(identity: Identity | None) -> str:
    """What to do where a range is longer than raw events are read for."""
    if identity is None:
        return NARROWER
    return (
        "Move from and to closer together, or leave identity out: uniq_users then counts the users "
        "that events name, over any range."
    )


def check_identity(identity: Identity | None, aggregates: Iterable[str], source: str) -> None:
    """Raise Rejected for an identity without effect: no `uniq_users`, or no events."""
    if identity is None:
        return
    if source != "events":
        message = f"identity is of events, and this metric is of {source}. Leave identity out."
    elif "uniq_users" not in aggregates:
        message = (
            "identity says whom uniq_users counts, and agg does not ask for it. "
            "Add uniq_users to agg, or leave identity out."
        )
    else:
        return
    raise Rejected(QuestionReason.INVALID_FIELD, message, field="identity")


@dataclass(frozen=True, slots=True)
class People:
    """SQL of the person of an event, and what follows `FROM events` so that it is known."""

    person: str
    join: str = ""


@dataclass(frozen=True, slots=True)
class GroupedPeople:
    """People of events that are grouped first, which is cheaper: `hashed` is SQL of a hash of an
    event's own user or session, to group by as `who`; behind the groups `join` follows, and then
    `person` is SQL of a hash of the person."""

    hashed: str
    join: str
    person: str


def people_by(
    identity: Identity,
    values: Values,
    covered: TimeRange,
    *,
    org: str,
    app: str,
    events: Sequence[str],
) -> People:
    """People under an identity. `events` are conditions that the question's events hold beside
    scope and range: only sessions with such events and without a user are looked up."""
    if identity == "session":
        return People(SESSION)
    if identity == "user":
        return People(USER)
    users = _session_users(values, covered, org=org, app=app, events=events)
    return People(LINKED, f"LEFT ANY JOIN\n(\n{users}\n) AS session_users USING (session_id)")


def grouped_people_by(
    identity: Identity,
    values: Values,
    covered: TimeRange,
    *,
    org: str,
    app: str,
    events: Sequence[str],
) -> GroupedPeople:
    """The same people as `people_by`. With `linked` the groups are those of `user`: only a session
    without a user is looked up, once and not for each of its events."""
    if identity == "session":
        return GroupedPeople(f"sipHash128({SESSION})", "", "who")
    hashed = f"sipHash128({USER})"
    if identity == "user":
        return GroupedPeople(hashed, "", "who")
    users = _session_users(values, covered, org=org, app=app, events=events)
    return GroupedPeople(
        hashed,
        fill("linked_sessions", session_users=users),
        "if(linked = toFixedString('', 16), who, linked)",
    )


def _session_users(
    values: Values, covered: TimeRange, *, org: str, app: str, events: Sequence[str]
) -> str:
    in_scope = event_conditions(values, covered, org=org, app=app)
    return fill(
        "session_users",
        scope=" AND ".join(in_scope),
        events=" AND ".join([*in_scope, *events]),
    )
