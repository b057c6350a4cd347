"""JSON within a text, whole or cut off: values of its members are changed by their keys.

Whole documents are read as JSON. Of what is left, members are found by their form; where a value
cannot be told from what follows it, the text ends there. Pure.
"""

import contextlib
import json
from typing import Any, Final

from collector.admission.redaction import text as texts
from collector.admission.redaction.detectors import Crowded, compiled
from collector.admission.redaction.json_text import redacted_json
from collector.admission.redaction.rules import REDACTED, Redactor

_MOST_TRIES: Final = 16
_DEEPEST: Final = 6
_DECODER: Final = json.JSONDecoder()
_OPENING: Final[Any] = compiled(rb'[\[{][\s]*["\[{]')
_MEMBER: Final[Any] = compiled(
    rb'(\\*)"((?:[^"\\]|\\[^"]){1,128})\\*"[\s]*:[\s]*("(?:[^"\\]|\\.)*"?|[^\s",\[\]{}\\]*)'
)


def redacted_within(redactor: Redactor, text: bytes, *, path: str, depth: int) -> bytes:
    """The text with what rules say of members of JSON in it. Raises Crowded."""
    if b'"' not in text or b":" not in text:
        return text
    if depth > _DEEPEST:
        raise Crowded
    return _members(redactor, _documents(redactor, text, path=path, depth=depth), depth)


def _documents(redactor: Redactor, text: bytes, *, path: str, depth: int) -> bytes:
    """The text with the whole documents in it changed."""
    made: list[bytes] = []
    copied = at = tries = 0
    shown = text.decode("latin-1")  # as many characters as bytes
    while (opening := _OPENING.search(text, at)) is not None:
        start = opening.start()
        end = _end_of_document(shown, start)
        if end == 0:
            at, tries = start + 1, tries + 1
            if tries > _MOST_TRIES:
                raise Crowded
            continue
        document = text[start:end]
        changed = redacted_json(redactor, document, path=path, depth=depth)
        if changed is not None and changed is not document:
            made += text[copied:start], changed
            copied = end
        at = end
    return b"".join([*made, text[copied:]]) if made else text


def _end_of_document(shown: str, start: int) -> int:
    """Where the object or array ends that begins there; 0 where none does."""
    try:
        return _DECODER.raw_decode(shown, start)[1]
    except (ValueError, RecursionError):
        return 0


def _members(redactor: Redactor, text: bytes, depth: int) -> bytes:
    """The text with the values of members changed, in whatever they stand."""
    made: list[bytes] = []
    copied = 0
    for match in _MEMBER.finditer(text):
        if match.start() < copied:
            continue
        key = match.group(2).decode("utf-8", "replace")
        rule = redactor.key_rule(key, f".{key}") or redactor.key_rule(key)
        value = match.group(3)
        start, end = match.span(3)
        if rule is None:
            inner = _shown(value).encode("utf-8", "replace")
            within = redacted_within(redactor, inner, path="", depth=depth + 1)
            if within is not inner:
                made += text[copied:start], _written(within.decode("utf-8", "replace"))
                copied = end
            continue
        if match.group(1) or not value:  # nested, or in a text: it may go on to the end
            if not text[start:].strip(b' \\"') or text[start:].startswith(b'\\"\\"'):
                continue
            redactor.count(rule.name)
            made += text[copied:start], REDACTED.encode()
            return b"".join(made)
        changed = texts.whole(redactor, rule, _shown(value)) or ""
        if changed != _shown(value):
            made += text[copied:start], _written(changed)
            copied = end
    return b"".join([*made, text[copied:]]) if made else text


def _shown(value: bytes) -> str:
    """A value as it is meant: a string without its quotes and escapes, or a number."""
    for whole in (value, value + b'"'):
        with contextlib.suppress(ValueError):
            read = json.loads(whole)
            return read if isinstance(read, str) else value.decode("utf-8", "replace")
    return value.strip(b'"').decode("utf-8", "replace")


def _written(text: str) -> bytes:
    return json.dumps(text, ensure_ascii=False).encode("utf-8", "replace")
