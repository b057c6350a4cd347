"""The rule by which errors make groups, in plain Python with the patterns of the product."""

import re

from api.questions.error_grouping import (
    BUILD,
    FRAME,
    GO_CALL,
    INNERMOST_LAST,
    MAX_FRAMES,
    MAX_LINES,
    OUTSIDE,
    PLACEHOLDER,
    POSITION,
    VALUES,
)


def message_of(message: str) -> str:
    """The first line of a message, values replaced."""
    line = message.split("\n")[0]
    for pattern in VALUES:
        line = re.sub(pattern, PLACEHOLDER, line, flags=re.ASCII)
    return line[:300]


def frames_of(stack: str) -> str:
    """The frames that a group agrees in, one a line."""
    lines = stack.replace(*GO_CALL).split("\n")
    if INNERMOST_LAST in stack:
        lines.reverse()
    found = [line for line in lines[:MAX_LINES] if re.search(FRAME, line, re.ASCII)]
    own = [line for line in found if not re.search(OUTSIDE, line, re.ASCII)] or found
    joined = re.sub(POSITION, "", "\n".join(own[:MAX_FRAMES]), flags=re.ASCII)
    return re.sub(BUILD, PLACEHOLDER, joined, flags=re.ASCII)


def identity(message: str, stack: str) -> tuple[str, str]:
    """What two errors of one app, service and type agree in when they are of one group."""
    frames = frames_of(stack)
    return (frames, "") if frames else ("", message_of(message))
