"""A blocking call on the event loop is an error in these tests, and none elsewhere."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

import pytest
from blockbuster import BlockingError

from seamark.service.settings import load, setting


@dataclass(frozen=True, slots=True)
class Secret:
    word: str = setting("", text="One.", secret=True)


def read_file(folder: Path) -> str:
    return load(Secret, prefix="X", environ={"X_WORD_FILE": str(folder / "word")}).word


async def test_a_file_is_not_read_on_the_event_loop(tmp_path: Path) -> None:
    (tmp_path / "word").write_text("secret")
    with pytest.raises(BlockingError):
        read_file(tmp_path)
    assert await asyncio.to_thread(read_file, tmp_path) == "secret"


def test_a_file_may_be_read_without_a_loop(tmp_path: Path) -> None:
    (tmp_path / "word").write_text("secret")
    assert read_file(tmp_path) == "secret"
