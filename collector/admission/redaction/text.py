"""One text: what detectors find in it is replaced, in whatever spelling it stands. Pure.

    redacted(redactor, text, key) -> the text, the same object where nothing was found; None: drop

The text is looked at as it stands, as JSON if it is JSON, as `key=value` pairs (queries of URLs),
and as what its percent-encoding, its escapes and its look-alike characters mean. Nothing that a
detector finds is left: what a replacement would uncover is replaced as well.
"""

import urllib.parse
from collections.abc import Callable, Container, Sequence
from typing import Any, Final, NamedTuple

from collector.admission.redaction import embedded_json, json_text
from collector.admission.redaction.detectors import Crowded, Found, Pattern, compiled
from collector.admission.redaction.rules import (
    CROWDED,
    LONGEST_REMEMBERED,
    REDACTED,
    Redactor,
    Rule,
)
from collector.admission.redaction.spellings import (
    percent_encoded,
    percent_tokens,
    plain_bytes,
    unescaped,
)

_ROUNDS: Final = 4
_PAIRS_DEEP: Final = 3
_SMALLEST_CARD: Final = 10**12
_INFINITE: Final = (float("inf"), float("-inf"))
_PAIR: Final[Any] = compiled(rb"[?&;#,\s]([^=&?#;,\s\"'<>]{1,128})=([^&#;,\s\"'<>]*)")

_Patterns = Sequence[tuple[Pattern, Rule]]


class _Dropped(Exception):  # a way out of several calls, caught in this module
    """A rule says that the text as a whole is dropped."""


class _Hit(NamedTuple):
    start: int
    end: int
    found: Found
    rule: Rule


def redacted(
    redactor: Redactor, text: str, *, key: str = "", path: str = "", depth: int = 0
) -> str | None:
    """A text as it is stored: the value of `key`, or with "" no value. None: it is dropped."""
    if redactor.has_rules and not depth and len(text) <= LONGEST_REMEMBERED:
        return redactor.remembered_text(
            (text, key, path), lambda: _redacted(redactor, text, key, path, depth)
        )
    return _redacted(redactor, text, key, path, depth)


def _redacted(redactor: Redactor, text: str, key: str, path: str, depth: int) -> str | None:
    encoded = text.encode("utf-8", "replace")
    if not redactor.may_touch(encoded):
        return text
    made = redacted_bytes(redactor, encoded, key=key, path=path, depth=depth)
    if made is None:
        return None
    return text if made is encoded else made.decode("utf-8", "replace")


def redacted_bytes(
    redactor: Redactor, text: bytes, *, key: str = "", path: str = "", depth: int = 0
) -> bytes | None:
    """The same of UTF-8, or of bytes that are something else."""
    if not redactor.may_touch(text):
        return text
    patterns = redactor.patterns(key, path)
    try:
        whole_json = json_text.redacted_json(redactor, text, path=path, depth=depth)
        made = whole_json or embedded_json.redacted_within(redactor, text, path=path, depth=depth)
        made = _pairs(redactor, made, depth)
        for _ in range(_ROUNDS):
            before = made
            for view in (_as_it_stands, _percent_encoding, _escapes, _disguises):
                made = view(redactor, patterns, made)
            if made is before:
                return made
    except _Dropped:
        return None
    except Crowded:
        pass
    redactor.count(CROWDED)
    return REDACTED.encode()


def _hits(patterns: _Patterns, text: bytes) -> list[_Hit]:
    padded = b"\n%b\n" % text
    found = [
        _Hit(each.start - 1, each.end - 1, each, rule)
        for pattern, rule in patterns
        for each in pattern.find(padded)
    ]
    found.sort(key=lambda hit: (hit.start, -hit.end))
    merged: list[_Hit] = []
    for hit in found:
        if merged and hit.start < merged[-1].end:
            merged[-1] = merged[-1]._replace(end=max(merged[-1].end, hit.end))
        else:
            merged.append(hit)
    return merged


def _as_it_stands(redactor: Redactor, patterns: _Patterns, text: bytes) -> bytes:
    hits = _hits(patterns, text)
    if not hits:
        return text
    made: list[bytes] = []
    at = 0
    for hit in hits:
        if hit.rule.action == "drop":
            redactor.count(hit.rule.name)
            raise _Dropped
        part = text[hit.start : hit.end].decode("utf-8", "replace")
        made += text[at : hit.start], redactor.part(hit.rule, part, hit.found.detector).encode()
        at = hit.end
    result = b"".join([*made, text[at:]])
    if _hits(patterns, result):  # what was kept of a match, or what it stood beside
        result = _masked(patterns, result)
    return result


def _masked(patterns: _Patterns, text: bytes) -> bytes:
    for _ in range(_ROUNDS):
        hits = _hits(patterns, text)
        if not hits:
            return text
        made: list[bytes] = []
        at = 0
        for hit in hits:
            made += text[at : hit.start], b"[%b]" % hit.found.detector.encode()
            at = hit.end
        text = b"".join([*made, text[at:]])
    raise Crowded


def _percent_encoding(redactor: Redactor, patterns: _Patterns, text: bytes) -> bytes:
    made: list[bytes] = []
    at = 0
    for start, end, meanings in percent_tokens(text):
        for meant in meanings:
            if _hits(patterns, meant):
                changed = percent_encoded(_as_it_stands(redactor, patterns, meant))
                made += text[at:start], changed
                at = end
                break
    return b"".join([*made, text[at:]]) if made else text


def _through(spelling: Callable[[bytes], bytes | None]) -> Callable[..., bytes]:
    def view(redactor: Redactor, patterns: _Patterns, text: bytes) -> bytes:
        meant = spelling(text)
        if meant is None or meant == text or not _hits(patterns, meant):
            return text
        return _as_it_stands(redactor, patterns, meant)

    return view


_escapes: Final = _through(unescaped)
_disguises: Final = _through(plain_bytes)


def _pairs(redactor: Redactor, text: bytes, depth: int) -> bytes:
    """The text with the values of `key=value` changed whose keys have a rule.

    A value that is percent-encoded is looked into: a URL in a query has a query of its own.
    """
    if b"=" not in text or depth > _PAIRS_DEEP:
        return text
    made: list[bytes] = []
    at = 0
    for match in _PAIR.finditer(b"\n%b" % text):
        start, end = (place - 1 for place in match.span(2))
        changed = _pair(redactor, match.group(1), match.group(2), depth)
        if changed is not None:
            made += text[at:start], percent_encoded(changed)
            at = end
    return b"".join([*made, text[at:]]) if made else text


def _pair(redactor: Redactor, key: bytes, value: bytes, depth: int) -> bytes | None:
    """What becomes of one value, not encoded; None where nothing does."""
    meant = urllib.parse.unquote_plus(value.decode("utf-8", "replace"))
    if not meant:
        return None
    rule = redactor.key_rule(urllib.parse.unquote_plus(key.decode("utf-8", "replace")))
    if rule is not None:
        changed = whole(redactor, rule, meant) or ""
        return None if changed == meant else changed.encode("utf-8", "replace")
    if b"%" not in value:
        return None
    encoded = meant.encode("utf-8", "replace")
    document = json_text.redacted_json(redactor, encoded, depth=depth + 1) or encoded
    inner = _pairs(redactor, document, depth + 1)
    return None if inner is encoded else inner


def whole(
    redactor: Redactor, rule: Rule, text: str, *, key: str = "", path: str = ""
) -> str | None:
    """What a rule makes of a whole value; None to drop it. Nothing a detector finds is left."""
    if rule.action != "truncate":
        return redactor.whole(rule, text)
    clean = redacted(redactor, text, key=key, path=path)
    if clean is None:
        return None
    made = redactor.whole(rule, clean)
    if made is None or made == clean or redacted(redactor, made, key=key, path=path) == made:
        return made
    return REDACTED


def redacted_number(
    redactor: Redactor, number: int | float, *, key: str = "", path: str = ""
) -> int | float | str | None:
    """A number among attributes: that of a payment card is text to the rules. None: dropped."""
    if abs(number) < _SMALLEST_CARD or number != number or number in _INFINITE:
        return number
    if int(number) != number:
        return number
    digits = str(int(number))
    made = redacted(redactor, digits, key=key, path=path)
    return number if made == digits else made


def redacted_name(redactor: Redactor, name: str) -> str:
    """A name or key: what is found in it is replaced; it is never dropped."""
    made = redacted(redactor, name)
    return REDACTED if made is None else made


def free_name(name: str, taken: Container[str]) -> str:
    """A key that is not taken: two keys that become the same stay two."""
    made, number = name, 2
    while made in taken:
        made, number = f"{name}_{number}", number + 1
    return made
