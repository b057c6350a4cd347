"""The log files of the parts: turned at each start of the stack, cut when large, quoted on failure.

A part writes to its file itself (opened for appending), so that it never waits for the supervisor
and its last words are there even when both are killed.
"""

import contextlib
import json
import os
import shutil
from collections import deque
from pathlib import Path
from typing import Final

KEPT: Final = 3
"""Earlier files kept beside each log: `<name>.log.1` is the newest."""
LARGEST_BYTES: Final = 16 * 1024 * 1024
_LONGEST_QUOTE: Final = 240


def turn(log: Path) -> None:
    """Begin a new file: the last one becomes `.1`, the oldest goes. Nothing happens if empty."""
    if not log.exists() or log.stat().st_size == 0:
        return
    _make_room(log)
    os.replace(log, _older(log, 1))


def cut(log: Path, *, largest_bytes: int = LARGEST_BYTES) -> bool:
    """Copy a log that has grown too large to `.1` and empty it; returns whether it did.

    Its writer keeps the file open, so it cannot be renamed. Lines written in the instant between
    the copy and the cut are lost.
    """
    if not log.exists() or log.stat().st_size <= largest_bytes:
        return False
    _make_room(log)
    with contextlib.suppress(OSError):  # on a full disk, room matters more than an old log
        shutil.copyfile(log, _older(log, 1))
        _older(log, 1).chmod(0o600)
    os.truncate(log, 0)
    return True


def _make_room(log: Path) -> None:
    for number in range(KEPT - 1, 0, -1):
        if _older(log, number).exists():
            os.replace(_older(log, number), _older(log, number + 1))


def _older(log: Path, number: int) -> Path:
    return log.with_name(f"{log.name}.{number}")


def last_sentence(log: Path) -> str:
    """What a part said last: the text of its last line, whether JSON or plain."""
    try:
        with open(log, errors="replace") as file:
            lines = deque((line.strip() for line in file if line.strip()), maxlen=1)
    except FileNotFoundError:
        return "nothing"
    sentence = _sentence(lines[0]) if lines else "nothing"
    return sentence if len(sentence) <= _LONGEST_QUOTE else sentence[:_LONGEST_QUOTE] + " …"


def _sentence(line: str) -> str:
    try:
        record = json.loads(line)
        message = record["message"]
    except (ValueError, TypeError, KeyError):
        return line
    return f"{message}: {record['error']}" if "error" in record else str(message)
