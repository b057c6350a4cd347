"""The dedup index, and what a block becomes by it."""

import sqlite3
from pathlib import Path

import pytest

from processors.blocks.dedup.folder import DedupFolder
from processors.blocks.dedup.index import DedupIndex, DedupIndexUnavailable, IndexProgress
from processors.blocks.dedup.keys import event_key, receipt_key
from processors.blocks.dedup.rewrite import DedupedBlock, dedup_block
from processors.blocks.nats_frames import NatsMessage
from processors.blocks.pieces import notice_of, pieces_of
from seamark.wire.frames import DUPLICATE_WINDOW_NS
from seamark.wire.positions import Position
from seamark.wire.signals import Signal
from tests.support.envelope_frames import envelope_frame, message, opened

HOUR_NS = 3600 * 10**9
BEGUN = IndexProgress(0, 0, 0, 0)
A, B, D = b"a" * 16, b"b" * 16, b"digest"


def begun(path: str = "") -> DedupIndex:
    index = DedupIndex(path)
    index.begin(BEGUN)
    return index


def look(index: DedupIndex, *messages: NatsMessage, done: int | None = None) -> DedupedBlock:
    before = messages[0].sequence - 1 if done is None else done
    position = Position(before, messages[-1].sequence, "t")
    return dedup_block(index, list(messages), signal=Signal.EVENTS, position=position)


def batch(sequence: int, name: str, *, at_ns: int = 0, ids: tuple[str, ...] = ("",)) -> NatsMessage:
    data = envelope_frame(name, ids=ids)
    return message(sequence, (data, name, any(ids)), at_ns=at_ns)


def test_a_key_is_known_from_its_first_message_on() -> None:
    index = begun()

    def look_up(*keys: bytes, at: int) -> dict[bytes, dict[bytes, int]]:
        facts = [(key, D, at, 10 * at) for key in keys]
        return index.look_up(facts, done=at - 1, through=at, last=at, last_ns=10 * at)

    assert look_up(A, at=1) == {}
    assert look_up(A, at=1) == {}, "itself"
    assert look_up(A, B, at=2) == {A: {D: 10}}
    assert look_up(B, at=3) == {B: {D: 20}}
    assert look_up(A, B, at=2) == {A: {D: 10}}
    assert index.progress() == IndexProgress(3, 0, 3, 30)
    index.close()


def test_a_key_is_known_with_each_of_its_contents() -> None:
    index = begun()
    index.look_up([(A, b"1", 1, 10), (A, b"2", 1, 10)], done=0, through=1, last=1, last_ns=10)
    index.look_up([(A, b"1", 2, 20)], done=1, through=2, last=2, last_ns=20)
    found = index.look_up([(A, b"3", 3, 30)], done=2, through=3, last=3, last_ns=30)
    assert found == {A: {b"1": 20, b"2": 10}}
    index.close()


def test_what_left_the_window_is_dropped_and_that_is_noted(tmp_path: Path) -> None:
    path = str(tmp_path / "s.sqlite")
    index = begun(path)
    for hour in range(60):
        facts = [(bytes([hour]) * 16, D, hour + 1, hour * HOUR_NS)]
        now_ns = hour * HOUR_NS
        index.look_up(facts, done=hour, through=hour + 1, last=hour + 1, last_ns=now_ns)
    index.close()
    db = sqlite3.connect(path)
    names = [name for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type='table'")]
    db.close()
    assert len([name for name in names if name.startswith("keys_")]) <= 4
    progress = index.progress()
    assert progress is not None
    assert 0 < progress.since_ns <= 59 * HOUR_NS - DUPLICATE_WINDOW_NS
    index.close()


def test_an_index_that_does_not_reach_the_block_raises() -> None:
    with pytest.raises(DedupIndexUnavailable):
        DedupIndex("").look_up([], done=0, through=1, last=1, last_ns=1)
    with pytest.raises(DedupIndexUnavailable):
        begun().look_up([], done=5, through=6, last=6, last_ns=1)


def test_a_file_that_is_none_is_begun_anew(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    path.write_bytes(b"this is no database at all " * 100)
    index = DedupIndex(str(path))
    with pytest.raises(DedupIndexUnavailable):
        index.progress()
    assert index.progress() is None
    index.close()


def test_a_folder_has_one_file_for_each_stream(tmp_path: Path) -> None:
    folder = DedupFolder(str(tmp_path / "deep" / "rows"))
    folder.of("SEAMARK_events_0").begin(BEGUN)
    assert folder.of("SEAMARK_events_0") is folder.of("SEAMARK_events_0")
    assert folder.of("SEAMARK_events_1").progress() is None
    folder.close()
    assert DedupFolder(str(tmp_path / "deep" / "rows")).of("SEAMARK_events_0").progress() == BEGUN


def test_a_retry_becomes_a_count() -> None:
    index = begun()
    first, again = batch(1, "b1", ids=("", "")), batch(2, "b1", ids=("", ""))
    assert look(index, first) == DedupedBlock([first])
    deduped = look(index, again)
    assert (deduped.frames, deduped.events) == (1, 0)
    (envelope,) = opened(deduped.messages[0].payload)
    assert (envelope.outcome.accepted, envelope.outcome.duplicate) == (2, 2)
    assert envelope.event_ids() == []
    assert look(index, first, again).messages[1] == deduped.messages[0], "however blocks are cut"


def test_a_whole_day_and_not_a_nanosecond_more() -> None:
    index = begun()
    look(index, batch(1, "b1", at_ns=7), batch(2, "b2", at_ns=7))
    assert look(index, batch(3, "b1", at_ns=7 + DUPLICATE_WINDOW_NS)).frames == 1
    assert look(index, batch(4, "b2", at_ns=8 + DUPLICATE_WINDOW_NS)).frames == 0


def test_an_event_s_id_is_its_app_s() -> None:
    assert event_key("acme", "shop", "1") != event_key("acme", "blog", "1")
    assert receipt_key("018f0000-0000-7000-8000-000000000001").hex().startswith("018f0000")
    index = begun()
    one = envelope_frame("x", ids=["1", "2"])
    other = envelope_frame("y", ids=["2", "3"])
    foreign = envelope_frame("y", ids=["2", "3"], app="blog")
    deduped = look(index, message(1, (one, "", True)), message(2, (foreign, "", True)))
    assert deduped.events == 0
    deduped = look(index, message(3, (foreign + b"", "", True), (other, "", True)))
    assert deduped.events == 3
    first, second = opened(deduped.messages[0].payload)
    assert (first.event_ids(), first.outcome.duplicate) == ([], 2)
    assert (second.event_ids(), second.outcome.duplicate) == (["3"], 1)
    assert [frame.length for frame in deduped.messages[0].frames] == [
        len(piece.payload) for piece in pieces_of(deduped.messages[0])
    ]


def test_an_id_twice_in_one_batch_counts_once() -> None:
    deduped = look(begun(), batch(1, "", ids=("1", "", "1", "2")))
    (envelope,) = opened(deduped.messages[0].payload)
    assert envelope.event_ids() == ["1", "", "2"]


def test_what_cannot_be_read_is_passed_on_as_it_is() -> None:
    index = begun()
    rubbish = b"rubbish, however it is looked at"
    good = envelope_frame("g", ids=["1"])
    look(index, message(1, (rubbish, "r", True), (good, "g", True)))
    deduped = look(index, message(2, (rubbish, "r", True), (good, "g", True)))
    first, second = pieces_of(deduped.messages[0])
    assert first.payload == rubbish
    assert opened(second.payload)[0].outcome.duplicate == 1


def test_a_header_that_does_not_fit_the_payload_changes_nothing() -> None:
    index = begun()
    first = batch(1, "b1")
    look(index, first)
    odd = NatsMessage(2, 2, 0, 0.0, first.payload + b"x", first.headers)
    assert look(index, odd) == DedupedBlock([odd])


def test_a_notice_counts_what_was_dead_lettered() -> None:
    (piece,) = pieces_of(message(7, (envelope_frame("b", ids=["1", "2"], rejected=3), "b", True)))
    (told,) = opened(notice_of(piece, name="s:7:0", words="bad " * 999, signal=Signal.EVENTS))
    assert (told.outcome.offered, told.outcome.accepted, told.outcome.dead_lettered) == (5, 2, 2)
    assert (told.org, told.app) == ("acme", "shop")
    (rubbish,) = pieces_of(message(8, (b"rubbish", "", False), listed=False))
    (told,) = opened(notice_of(rubbish, name="s:8:0", words="bad", signal=Signal.LOGS))
    assert (told.org, told.outcome.accepted, told.outcome.dead_lettered) == ("", 0, 0)
