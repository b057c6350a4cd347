"""What little must be known of a statement before the engine sees it. Pure.

chdb takes the data of an INSERT apart from its text, and the format of a result beside it, so both
have to be found: by tokens, because the words may stand in strings, comments and quoted names.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_TOKEN: Final = re.compile(
    rb"""
      (?P<skip> \s+ | --[^\n]* | \#[ !][^\n]* | /\*.*?\*/ )
    | (?P<quoted> '(?:[^'\\]|\\.)*' | "(?:[^"\\]|\\.)*" | `(?:[^`\\]|\\.)*` )
    | (?P<word> [A-Za-z_]\w* )
    | (?P<open> [(\[{] )
    | (?P<close> [)\]}] )
    | (?P<other> . )
    """,
    re.VERBOSE | re.DOTALL,
)
_NAME_FOLLOWS: Final = frozenset({b"INTO", b"TABLE", b"FUNCTION", b"."})
_NO_DATA: Final = frozenset({b"SELECT", b"WITH", b"FROM", b"EXPLAIN"})
_REST_OF_LINE: Final = re.compile(rb"[ \t]*;?[ \t\r]*\n?")
_FIRST_WORD: Final = re.compile(rb"(?:\s+|--[^\n]*\n|/\*.*?\*/)*([A-Za-z]+)", re.DOTALL)

STREAMABLE: Final = frozenset(
    {
        "Native",
        "RowBinary",
        "JSONEachRow",
        "JSONCompactEachRow",
        "JSONStringsEachRow",
        "TabSeparated",
        "TSV",
        "TabSeparatedRaw",
        "TSVRaw",
        "LineAsString",
        "CSV",
    }
)
"""Output formats without a beginning or an end of their own, so that pieces may be joined."""
ENCLOSING: Final = frozenset({b"totals", b"extremes", b"output_format_json_array_of_rows"})
"""Words, two of them settings, by which even those formats get something around their rows."""


@dataclass(frozen=True, slots=True)
class Insert:
    """An INSERT that brings data: its text, the format, where the data begins, and its SETTINGS.

    `text` ends before SETTINGS, FORMAT or VALUES; `settings` begins with that word, or is empty.
    """

    text: bytes
    format: str
    data_at: int
    settings: bytes = b""


@dataclass(frozen=True, slots=True)
class Output:
    """How the result of a statement is asked for. `format` is empty when the text names none."""

    format: str
    joinable: bool


def starts_insert(query: bytes) -> bool:
    """Whether the first word is INSERT; cheap, comments allowed before it."""
    found = _FIRST_WORD.match(query)
    return found is not None and found[1].upper() == b"INSERT"


def find_insert(query: bytes) -> Insert | None:
    """The parts of an INSERT whose data is given in the request.

    None for anything else, `INSERT … SELECT` and `FROM INFILE` included. Without FORMAT or VALUES
    the format is Values, as in ClickHouse. Reads no further than where the data begins.
    """
    if not starts_insert(query):
        return None
    before = b""
    settings_at: int | None = None
    tokens = _tokens(query)
    for kind, depth, found in tokens:
        token = found[0].upper()
        if kind == "word" and depth == 0 and before not in _NAME_FOLLOWS:
            if token in _NO_DATA:
                return None
            if token == b"SETTINGS":
                settings_at = found.start()
            elif token == b"VALUES":
                return _insert(query[: found.start()], settings_at, "Values", found.end())
            elif token == b"FORMAT":
                return _with_format(query, found.start(), settings_at, tokens)
        before = token
    return _insert(query.rstrip(b"; \t\r\n"), settings_at, "Values", len(query))


def _with_format(
    query: bytes, at: int, settings_at: int | None, tokens: "Iterator[_Token]"
) -> Insert | None:
    following = next(tokens, None)
    if following is None or following[0] != "word":
        return None
    name = following[2]
    rest = _REST_OF_LINE.match(query, name.end())
    data_at = rest.end() if rest else name.end()
    return _insert(query[:at], settings_at, name[0].decode(), data_at)


def _insert(text: bytes, settings_at: int | None, form: str, data_at: int) -> Insert:
    if settings_at is None:
        return Insert(text, form, data_at)
    return Insert(text[:settings_at], form, data_at, text[settings_at:])


def find_output(query: bytes) -> Output:
    """The format that a statement's own FORMAT clause names, and whether its result has one body.

    Cautious: any mention of what adds a beginning or an end makes it not joinable.
    """
    lowered = query.lower()
    joinable = not any(word in lowered for word in ENCLOSING)
    if b"format" not in lowered:
        return Output("", joinable)
    named = ""
    before = b""
    for kind, depth, found in _tokens(query):
        if kind == "word" and depth == 0 and before == b"FORMAT":
            named = found[0].decode()
        before = found[0].upper() if kind == "word" else b""
    return Output(named, joinable)


_Token = tuple[str, int, "re.Match[bytes]"]


def _tokens(query: bytes) -> Iterator[_Token]:
    """Tokens but for blanks and comments: their kind, their depth in brackets, their match."""
    depth = 0
    for found in _TOKEN.finditer(query):
        kind = found.lastgroup or "other"
        if kind == "skip":
            continue
        if kind == "close":
            depth -= 1
        yield kind, depth, found
        if kind == "open":
            depth += 1
