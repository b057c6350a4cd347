"""Takes clients' retries out of messages as they are read. Pure.

A message that holds identified frames says so in its `Seamark-Frames` header; all others pass
untouched and unopened. See `window` for what a retry is.
"""

from typing import Final

import msgspec

from processors.blocks.nats_frames import Message
from processors.blocks.window import ReceiptWindow
from seamark.wire.frames import HEADER, Frame, parse_frames, without

_LINE: Final = f"\r\n{HEADER}:".encode()


def listed_frames(headers: bytes) -> list[Frame]:
    """The frames that a message's headers (as on the wire) list; none for most messages."""
    at = headers.find(_LINE)
    if at < 0:
        return []
    start = at + len(_LINE)
    try:
        return parse_frames(headers[start : headers.index(b"\r\n", start)].strip().decode())
    except ValueError:  # not written by us: such a message is nobody's retry
        return []


class Retries:
    """The filter of one stream. Give it every message once, in order."""

    def __init__(self) -> None:
        self._window = ReceiptWindow()

    def __len__(self) -> int:
        """Receipts remembered."""
        return len(self._window)

    def remember(self, message: Message) -> None:
        """Take note of a message that is already written. Its payload is not looked at."""
        self._window.duplicates(message.stored_ns, listed_frames(message.headers))

    def strip(self, message: Message) -> tuple[Message, int]:
        """The message without its retries, and how many there were. Its payload may become b""."""
        frames = listed_frames(message.headers)
        if not frames:
            return message, 0
        dropped = self._window.duplicates(message.stored_ns, frames)
        if not dropped:
            return message, 0
        try:
            payload = without(message.payload, frames, dropped)
        except ValueError:  # lengths that do not fit the payload: better twice than not at all
            return message, 0
        return msgspec.structs.replace(message, payload=payload), len(dropped)
