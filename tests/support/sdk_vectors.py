"""The Python SDK's functions behind the vectors: each takes `in` and gives what `out` says."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from seamark_sdk.core import (
    answers,
    backoff,
    batch_cut,
    fingerprint,
    fitting,
    ids,
    sampling,
    scrub,
    session,
    spool_names,
    user_hash,
)

_FLOATS: Final = ("NaN", "Infinity", "-Infinity")


def _id(given: Any) -> str:
    return ids.uuid7(given["ms"], bytes.fromhex(given["random"]))


def _session(given: Any) -> object:
    known = given["session"]
    before = known and session.Session(known["id"], known["startedMs"], known["lastMs"])
    after, change = session.touch(before, now_ms=given["nowMs"], new_id=given["newId"])
    state = {"id": after.id, "startedMs": after.started_ms, "lastMs": after.last_ms}
    return {"session": state, "change": change}


def _sampling(given: Any) -> object:
    key, rate = given["key"], given["rate"]
    return {"hash": sampling.hash32(key), "kept": sampling.kept(key, rate)}


def _backoff(given: Any) -> int:
    return backoff.delay_ms(given["attempt"], given["rand"], asked_ms=given["askedMs"])


def _scrub_url(given: Any) -> str:
    return scrub.scrub_url(given["url"], given.get("denied", ()))


def _hash(given: Any) -> str | None:
    return user_hash.user_hash(given["id"], given["salt"])


def _fingerprint(given: Any) -> str:
    frames = [fingerprint.Frame(frame["file"], frame["function"]) for frame in given["frames"]]
    return fingerprint.fingerprint(given["type"], given["message"], frames)


def _number(value: Any) -> Any:
    """The value, or the number that `{"$float": …}` stands for."""
    if isinstance(value, dict) and value.get("$float") in _FLOATS:
        return float(value["$float"])
    return value


def _truncation(given: Any) -> object:
    told = {key: _number(value) for key, value in given.get("attrs", {}).items()}
    attributes, left_out = fitting.fit_attributes(told)
    return {
        "name": fitting.fit_name(given["name"]),
        "value": fitting.fit_value(_number(given.get("value"))),
        "attrs": attributes,
        "leftOut": left_out,
    }


def _spool_name(given: Any) -> object:
    if "make" in given:
        wanted = given["make"]
        made = spool_names.spool_name(wanted["ms"], wanted["batchId"], wanted["kind"])
        return {"name": made}
    if "read" in given:
        found = spool_names.read_spool_name(given["read"])
        return found and {"ms": found.ms, "batchId": found.batch_id, "kind": found.kind}
    files = [(file["name"], file["bytes"]) for file in given["files"]]
    gone = spool_names.evictions(files, now_ms=given["nowMs"], most_bytes=given["mostBytes"])
    return {"delete": [{"name": one.name, "reason": one.reason} for one in gone]}


def _batch_cut(given: Any) -> object:
    if "count" in given:
        return list(batch_cut.halves(given["count"]))
    found = batch_cut.cut(
        given["sizes"],
        most_events=given["mostEvents"],
        most_bytes=given["mostBytes"],
        hard_bytes=given["hardBytes"],
    )
    return {"batches": found.batches, "tooLarge": found.too_large}


def _answers(given: Any) -> object:
    found = answers.decide(
        given["status"],
        given["headers"],
        given["body"],
        events=given["events"],
        now_ms=given["nowMs"],
    )
    return {
        "action": found.action,
        "reason": found.reason,
        "askedMs": found.asked_ms,
        "rejected": found.rejected,
    }


FUNCTIONS: Final[Mapping[str, Callable[[Any], object]]] = {
    "answers": _answers,
    "backoff": _backoff,
    "batch-cut": _batch_cut,
    "fingerprint": _fingerprint,
    "hash": _hash,
    "id": _id,
    "sampling": _sampling,
    "scrub-text": scrub.scrub_text,
    "scrub-url": _scrub_url,
    "session": _session,
    "spool-name": _spool_name,
    "truncation": _truncation,
}
