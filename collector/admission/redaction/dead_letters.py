"""Dead letters as they are stored: redacted like what is accepted. Pure.

An item that is JSON is read as JSON, whatever is wrong with it as an item. One that cannot be read
at all is kept only where nothing in its bytes may have to be changed.
"""

import re
from typing import Final

from collector.admission.dead_letters import dead_letter
from collector.admission.redaction import text as texts
from collector.admission.redaction.json_text import redacted_json
from collector.admission.redaction.rules import Redactor
from seamark.wire.envelope import DeadLetter
from seamark.wire.failures import Rejected
from seamark.wire.limits import DEAD_LETTER_BYTES

NOT_KEPT: Final = " (not kept: it cannot be read, and may hold what the app's rules redact)"
_USER_MEMBERS: Final = ("userId", "user_id")
"""Members that a native event does not have, and some senders send."""
_QUOTED: Final = re.compile(r"'[^']*(?:'|$)|\"[^\"]*(?:\"|$)")


def redacted_dead_letter(
    redactor: Redactor, index: int, error: Rejected, *, original: bytes, name: str
) -> DeadLetter:
    """The dead letter of a rejected item. All is redacted before it is cut to its limits."""
    message, kept = error.message, original
    if len(original) <= DEAD_LETTER_BYTES:
        kept = _kept(redactor, original)
    if kept != original:
        message = _QUOTED.sub("'…'", message)
        message += "" if kept else NOT_KEPT
    told = Rejected(
        error.reason,
        texts.redacted_name(redactor, message),
        field=texts.redacted_name(redactor, error.field),
    )
    return dead_letter(index, told, original=kept, name=texts.redacted_name(redactor, name))


def _kept(redactor: Redactor, original: bytes) -> bytes:
    """An original as it is stored; nothing of one that cannot be read and may have to change."""
    user = redactor.user_rule
    if not redactor.may_touch_json(original) and (
        user is None or not any(b'"%b"' % name.encode() in original for name in _USER_MEMBERS)
    ):
        return original
    members = {} if user is None else dict.fromkeys(_USER_MEMBERS, user)
    return redacted_json(redactor, original, members=members, of_any_kind=True) or b""
