"""Dead letters as they are stored: redacted like what is accepted. Pure.

An item that is JSON is read as JSON, whatever is wrong with it as an item. One that cannot be read
at all is kept only where nothing in its bytes may have to be changed.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

from collector.admission.redaction import text as texts
from collector.admission.redaction.json_text import redacted_json
from collector.admission.redaction.rules import Redactor
from seamark.wire.envelope import DeadLetter

NOT_KEPT: Final = " (not kept: it cannot be read, and may hold what the app's rules redact)"
_USER_MEMBERS: Final = ("userId", "user_id")
"""Members that a native event does not have, and some senders send."""
_QUOTED: Final = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"")


def redacted_dead_letters(
    redactor: Redactor, dead_letters: Iterable[DeadLetter]
) -> Iterator[DeadLetter]:
    """The same dead letters, each changed when it is asked for."""
    return (redacted_dead_letter(redactor, each) for each in dead_letters)


def redacted_dead_letter(redactor: Redactor, dead_letter: DeadLetter) -> DeadLetter:
    """One dead letter as it is stored."""
    original, message = dead_letter.original, dead_letter.message
    changed = _changed(redactor, original)
    if changed != original:
        message = _QUOTED.sub("'…'", message)
    if original and not changed:
        message += NOT_KEPT
    made = [
        texts.redacted_name(redactor, text) if text else text
        for text in (dead_letter.field, message, dead_letter.name)
    ]
    if changed == original and made == [dead_letter.field, message, dead_letter.name]:
        return dead_letter
    return replace(dead_letter, original=changed, field=made[0], message=made[1], name=made[2])


def _changed(redactor: Redactor, original: bytes) -> bytes:
    """An original as it is stored; nothing of one that cannot be read and may have to change."""
    user = redactor.user_rule
    if not redactor.may_touch(original) and (
        user is None or not any(b'"%b"' % name.encode() in original for name in _USER_MEMBERS)
    ):
        return original
    members = {} if user is None else dict.fromkeys(_USER_MEMBERS, user)
    return redacted_json(redactor, original, members=members) or b""
