"""Dead letters: what was rejected is kept as it was sent, and never more than the limits say."""

import json
from collections.abc import Iterator

import pytest

from collector.admission.dead_letters import RATE, SIZE, DeadLetterLimiter, dead_letter
from collector.admission.native.decode import decode
from collector.admission.native.names import EventNames
from collector.admission.native.validate import Window, dead_letters, validate
from seamark.wire.envelope import DeadLetter
from seamark.wire.failures import Rejected
from seamark.wire.limits import DEAD_LETTER_BYTES, DEAD_LETTERS_BYTES
from seamark.wire.reasons import Reason

FAULT = Rejected(Reason.INVALID_NAME, "it is none", field="name")
NOW_NS = 1_795_316_640_000_000_000
MINUTE_NS = 60 * 1_000_000_000
DAY_MS = 86_400_000
SENT_MS = 1_795_316_640_000


def dead_letters_of(body: bytes, *, window: Window | None = None) -> list[DeadLetter]:
    batch = decode(body)
    return list(dead_letters(batch, validate(batch, window=window or Window(), names=EventNames())))


def many(count: int, size: int) -> Iterator[DeadLetter]:
    for index in range(count):
        yield dead_letter(index, FAULT, original=bytes(size))


@pytest.mark.parametrize("spoiler", ["", '{"ts":"2026-11-22","name":"ok"},', "7,"])
def test_the_original_is_the_events_own_json(spoiler: str) -> None:
    """Whichever way the batch was read: as a whole, with one healed, or event by event."""
    bad = '{ "name" : "n\\u006f good", "ts":1,\n "extra": [1, {"a": null}], "attrs":{"e":"é"}}'
    found = dead_letters_of(f'{{"events":[{spoiler}{bad}, {{"ts":1,"name":"b"}}]}}'.encode())[-1]

    assert found == DeadLetter(
        index=1 if spoiler else 0,
        reason="invalid_name",
        field="name",
        message="'no good' is not a name; use 1 to 128 of A-Z a-z 0-9 . _ / : -",
        original=bad.encode(),
        name="no good",
    )


def test_what_is_late_is_kept_too() -> None:
    body = b'{"events":[{"ts":1,"name":"ok"}]}'
    [found] = dead_letters_of(body, window=Window(opens_ms=SENT_MS, days=7))

    assert (found.reason, found.name, found.original) == ("too_late", "ok", body[11:-2])


@pytest.mark.parametrize(
    ("event", "name"),
    [
        (b"7", ""),
        (b"null", ""),
        (b'"page_view"', ""),
        (b"[]", ""),
        (b'{"name":["a"]}', ""),
        (b'{"name":7}', ""),
        (b'{"name":null}', ""),
        (b'{"name":"a"}', "a"),
        (b'{"name":"%s"}' % (b"x" * 500), "x" * 128),
        (b'{"name":"a\xff"}', ""),
    ],
)
def test_a_name_is_shown_where_there_is_one(event: bytes, name: str) -> None:
    [found] = dead_letters_of(b'{"events":[%s]}' % event)

    assert (found.name, found.original) == (name, event)


def test_half_an_emoji_is_mended_in_the_original() -> None:
    [found] = dead_letters_of(rb'{"events":[{"ts":1,"name":"no good","attrs":{"t":"cut \ud83d"}}]}')

    assert json.loads(found.original)["attrs"] == {"t": "cut �"}


def test_a_flawless_batch_has_none() -> None:
    assert dead_letters_of(b'{"events":[{"ts":1,"name":"ok"}]}') == []


def test_an_item_that_is_too_long_leaves_its_reason() -> None:
    fits = dead_letter(0, FAULT, original=bytes(DEAD_LETTER_BYTES))
    exceeds = dead_letter(0, FAULT, original=bytes(DEAD_LETTER_BYTES + 1), name="a")
    unwritten = dead_letter(0, FAULT, original=b"", size=DEAD_LETTER_BYTES + 1, name="a")

    assert len(fits.original) == DEAD_LETTER_BYTES
    assert exceeds == unwritten
    assert exceeds.original == b""
    assert exceeds.message == "it is none (not kept: the item is 65,537 bytes, 65,536 are the most)"


def test_a_request_keeps_no_more_than_its_size() -> None:
    box = DeadLetterLimiter(10_000)
    kept = box.take("o", "a", many(1000, 4096), rejected=1000, now_ns=NOW_NS)

    size = sum(len(found.encode()) for found in kept.dead_letters)
    assert DEAD_LETTERS_BYTES - 8192 < size < DEAD_LETTERS_BYTES + 16 * len(kept.dead_letters)
    assert kept.dropped == {SIZE: 1000 - len(kept.dead_letters)}


def test_a_large_one_does_not_keep_out_the_small_ones_behind_it() -> None:
    sizes = [DEAD_LETTER_BYTES] * 9 + [10] * 5
    given = (dead_letter(n, FAULT, original=bytes(size)) for n, size in enumerate(sizes))
    kept = DeadLetterLimiter(100).take("o", "a", given, rejected=14, now_ns=NOW_NS)

    assert [found.index for found in kept.dead_letters] == [*range(7), *range(9, 14)]


def test_an_app_keeps_no_more_than_its_rate() -> None:
    box = DeadLetterLimiter(60)

    def take(count: int, *, app: str = "a", at: float = 0.0) -> int:
        now_ns = NOW_NS + int(at * MINUTE_NS)
        kept = box.take("o", app, many(count, 1), rejected=count, now_ns=now_ns)
        assert kept.dropped.get(RATE, 0) == count - len(kept.dead_letters)
        return len(kept.dead_letters)

    assert take(40) == 40
    assert take(40) == 20
    assert take(40, app="b") == 40
    assert take(40, at=0.5) == 30
    assert take(40, at=0.25) == 0  # a clock that went back gives nothing
    assert take(400, at=90.0) == 60


def test_what_is_over_is_never_made() -> None:
    def given() -> Iterator[DeadLetter]:
        yield from many(2, 1)
        raise AssertionError("it was asked for a third")

    kept = DeadLetterLimiter(2).take("o", "a", given(), rejected=1000, now_ns=NOW_NS)
    none = DeadLetterLimiter(0).take("o", "a", given(), rejected=1000, now_ns=NOW_NS)

    assert (len(kept.dead_letters), kept.dropped) == (2, {RATE: 998})
    assert (none.dead_letters, none.dropped) == ([], {RATE: 1000})
