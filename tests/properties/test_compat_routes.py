"""Laws of the compat routes: whatever is sent is answered in form, and everything is counted."""

import asyncio
import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from collector.admission.compat_attributes import flat
from tests.unit.compat_ingest import LOOSE, METRICS, NAMED, PublisherContext

AT = 1_795_316_640_000
texts = st.text(max_size=20)
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts
)
anything = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4)
)
names = st.sampled_from(["page_view", "a.b", "no good", "", "x" * 129, "ж"]) | anything


def mostly(members: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[Any]:
    """Objects with some of these members and others, or anything."""
    shaped = st.fixed_dictionaries({}, optional=members)
    return st.builds(lambda a, b: {**a, **b}, st.dictionaries(texts, anything, max_size=2), shaped)


named = mostly(
    {
        "eventId": texts | anything,
        "eventType": names,
        "userId": texts | anything,
        "properties": st.dictionaries(texts, anything, max_size=5) | anything,
        "context": st.dictionaries(texts, anything, max_size=5) | anything,
        "timestamp": st.just(AT) | anything,
    }
)
loose = mostly({"event": names, "timestamp": st.just(AT) | anything, "user_id": texts | anything})
point = mostly(
    {
        "name": names,
        "timestamp": st.just(AT) | anything,
        "value": st.floats(-1e16, 1e16) | anything,
        "tags": st.dictionaries(texts, anything, max_size=5) | anything,
    }
)
ROUTES = {
    NAMED: named | st.lists(named | anything, max_size=6) | anything,
    LOOSE: st.lists(loose | anything, max_size=6) | anything,
    METRICS: st.fixed_dictionaries({"metrics": st.lists(point | anything, max_size=4)}) | anything,
}
requests = st.one_of(*[st.tuples(st.just(path), bodies) for path, bodies in ROUTES.items()])


def answered(context: PublisherContext, path: str, body: bytes) -> tuple[int, dict[str, Any]]:
    """Status and answer, which is in the form of its route whatever was sent."""
    reply = asyncio.run(context.send(path, body))
    answer = json.loads(reply.body)
    assert reply.status in (200, 202, 400, 413), answer
    if reply.status >= 400:
        error = answer["error"]
        assert error["reason"]
        assert error["message"]
        assert answer["success"] is False if path == METRICS else answer["status"] == "error"
    return reply.status, answer


@settings(max_examples=400, deadline=None)
@given(requests)
def test_everything_is_counted(asked: tuple[str, Any]) -> None:
    path, document = asked
    context = PublisherContext()
    status, answer = answered(context, path, json.dumps(document).encode("utf-8", "surrogatepass"))

    offered, accepted, rejected = context.counts
    assert offered == accepted + rejected
    assert len(context.events) == accepted
    assert sum(len(envelope.dead_letters) for envelope in context.envelopes) == rejected
    if status == 200:
        assert answer == {"success": True, "metrics_processed": len(document["metrics"])}
        assert (accepted, rejected) == (len(document["metrics"]), 0)
    elif status == 202 and isinstance(document, list):
        assert offered == len(document)
        assert answer.get("rejected", 0) == rejected
        assert answer["count" if path == LOOSE else "accepted"] == accepted
        assert len(answer.get("errors", ())) == rejected
    elif status == 202:
        assert (accepted, rejected) == (1, 0)
        assert [event["id"] for event in context.events] == [answer["eventId"]]
    elif path == NAMED and isinstance(document, dict):
        assert (accepted, rejected) == (0, 1)
    else:
        assert context.envelopes == []


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted(ROUTES)), st.binary(max_size=200))
def test_any_bytes_are_answered(path: str, body: bytes) -> None:
    context = PublisherContext()
    answered(context, path, body)
    assert context.counts[0] == context.counts[1] + context.counts[2]


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted(ROUTES)), requests, st.data())
def test_a_broken_body_is_answered(path: str, asked: tuple[str, Any], data: st.DataObject) -> None:
    body = bytearray(json.dumps(asked[1]).encode())
    at = data.draw(st.integers(0, len(body) - 1))
    body[at : at + 1] = data.draw(st.binary(max_size=3))
    answered(PublisherContext(), path, bytes(body))


@given(st.dictionaries(texts, anything, max_size=6))
def test_attributes_are_flat_and_nothing_but_null_is_lost(document: dict[str, Any]) -> None:
    def leaves(value: Any, path: str) -> set[str]:
        if isinstance(value, dict) and value:
            return set().union(*[leaves(v, f"{path}.{k}") for k, v in value.items()])
        return set() if value is None else {path}

    made = flat(document)
    assert set(made) == {path[1:] for path in leaves(document, "") if document}
    assert all(isinstance(value, str | int | float | bool) for value in made.values())
    assert flat(made) == made


ADDRESS_KEYS = ("ip", "IP", "ip_address", "ipAddress", "client_ip", "clientIp", "remote_addr")
ADDRESSES = st.ip_addresses().map(str)
places = st.sampled_from(["context", "properties", "context.device", "top"])


@settings(max_examples=100, deadline=None)
@given(
    address=ADDRESSES,
    key=st.sampled_from(ADDRESS_KEYS),
    place=places,
    name=st.sampled_from(["a", "no good"]),
    as_list=st.booleans(),
)
def test_no_address_is_stored_in_clear(
    address: str, key: str, place: str, name: str, as_list: bool
) -> None:
    """Neither in an event nor in the dead letter of one; two events of an address have one hash."""
    holder = {key: [address] if as_list else address}
    named: dict[str, Any] = {"eventType": name}
    if place in ("context", "properties"):
        named[place] = holder
    else:
        named["context"] = {"device": holder}
    context = PublisherContext()
    answered(context, NAMED, json.dumps(named).encode())
    answered(context, NAMED, json.dumps(named).encode())
    answered(context, LOOSE, json.dumps([{"event": name, "timestamp": AT, **holder}]).encode())

    for envelope in context.envelopes:
        for event in envelope.events:
            assert address not in json.dumps(event["attrs"])
        assert all(address.encode() not in one.original for one in envelope.dead_letters)
    hashes = [
        value
        for event in context.events
        for path, value in event["attrs"].items()
        if path.endswith("ip_hash")
    ]
    assert len(hashes) == len(context.events) == (3 if name == "a" else 0)
    assert len(set(hashes)) <= 1
