"""Log files of the parts: turned, cut, quoted."""

import json
from pathlib import Path

from seamark.standalone.journal import cut, last_sentence, turn


def test_turning_keeps_three_and_drops_the_oldest(tmp_path: Path) -> None:
    log = tmp_path / "part.log"
    for number in range(5):
        log.write_text(f"start {number}")
        turn(log)

    kept = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert kept == {"part.log.1": "start 4", "part.log.2": "start 3", "part.log.3": "start 2"}


def test_turning_nothing_does_nothing(tmp_path: Path) -> None:
    log = tmp_path / "part.log"
    turn(log)
    log.touch()
    turn(log)

    assert [path.name for path in tmp_path.iterdir()] == ["part.log"]


def test_a_large_log_is_cut_under_its_writer(tmp_path: Path) -> None:
    log = tmp_path / "part.log"
    with log.open("a") as writer:
        writer.write("x" * 100)
        writer.flush()

        assert not cut(log, largest_bytes=100)
        assert cut(log, largest_bytes=99)
        writer.write("after")

    assert log.read_text() == "after"
    assert (tmp_path / "part.log.1").read_text() == "x" * 100


def test_the_last_sentence_is_the_message_of_the_last_line(tmp_path: Path) -> None:
    log = tmp_path / "part.log"
    assert last_sentence(log) == "nothing"
    log.write_text("plain words\n\n")
    assert last_sentence(log) == "plain words"
    log.write_text("plain\n" + json.dumps({"message": "it failed", "level": "error"}) + "\n")
    assert last_sentence(log) == "it failed"
    log.write_text(json.dumps({"message": "wrong settings", "error": "X: 'y' is bad"}))
    assert last_sentence(log) == "wrong settings: X: 'y' is bad"
    log.write_text("[1]")
    assert last_sentence(log) == "[1]"
