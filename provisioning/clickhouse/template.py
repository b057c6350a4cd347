"""The template language of migrations: SQL with `{name}` in it, and directives in lines `--: …`.

`--: name = text` defines a name, of which lines `--:     text` (four blanks) are the further lines.
A definition is filled in where it is used, so it may use names that are defined later.
`--: for a b in a1 b1, a2 b2` … `--: end` repeats the lines between, once for each turn: commas
separate turns, blanks separate the values of one turn. The list may be one `{name}`.
`--: name = [text for a b in …]` defines the same as a list, with commas between the turns.
Other lines that begin with `--` are comments. Placeholders are filled from the inside out, so
`{own_{signal}}` is `{own_traces}` first. Pure.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final

_PLACEHOLDER: Final = re.compile(r"\{([a-z][a-z0-9_]*)\}")
_DEFINITION: Final = re.compile(r"--: ([a-z][a-z0-9_]*) =(?: (.*))?\Z")
_CONTINUATION: Final = re.compile(r"--:    +(\S.*)\Z")
_FOR: Final = re.compile(r"--: for ([a-z0-9_ ]+) in (.+)\Z")
_END: Final = "--: end"
_LIST: Final = re.compile(r"\[(.+)\s+for ([a-z0-9_ ]+) in ([^\]]+)\]\Z", re.DOTALL)
_ONE_NAME: Final = re.compile(r"\{[a-z0-9_{}]+\}\Z")
_LITERAL_BRACE: Final = "\0"
"""Stands for a brace in a given value, which may hold the engine's own macros (`{uuid}`)."""
_DEEPEST: Final = 20
"""Longest chain of definitions that use each other; more means that one uses itself."""
_END_OF_STATEMENT: Final = re.compile(r";[ \t]*(?:\n|\Z)")


def statements(text: str, values: Mapping[str, str]) -> list[str]:
    """The statements of a migration, with placeholders filled and comments left out.

    A statement ends with a semicolon at the end of a line. Raises ValueError for an unknown
    placeholder or directive, and for a loop without its end or with a turn of another length.
    """
    given = {name: value.replace("{", _LITERAL_BRACE) for name, value in values.items()}
    body = "\n".join(_rendered(text.splitlines(), given)).replace(_LITERAL_BRACE, "{")
    parts = _END_OF_STATEMENT.split(body)
    return [part.strip() for part in parts if part.strip()]


def _rendered(lines: list[str], known: dict[str, str]) -> Iterator[str]:
    """The lines of SQL; definitions are added to `known`."""
    at = 0
    while at < len(lines):
        line = lines[at]
        at += 1
        if definition := _DEFINITION.match(line):
            found = [definition[2] or ""]
            while at < len(lines) and (more := _CONTINUATION.match(lines[at])):
                found.append(more[1])
                at += 1
            known[definition[1]] = _defined("\n".join(found).strip(), known)
        elif loop := _FOR.match(line):
            end = _end_of_loop(lines, at)
            for turn in _turns(loop[1].split(), loop[2], known):
                yield from _rendered(lines[at:end], known | turn)
            at = end + 1
        elif line.startswith("--:"):
            raise ValueError(f"unknown directive: {line[:80]}")
        elif not line.lstrip().startswith("--"):
            yield _filled(line, known)


def _end_of_loop(lines: list[str], begin: int) -> int:
    """Index of the line that ends the loop whose body begins at `begin`."""
    depth = 1
    for at in range(begin, len(lines)):
        if _FOR.match(lines[at]):
            depth += 1
        elif lines[at] == _END:
            depth -= 1
            if depth == 0:
                return at
    raise ValueError(f"a loop has no {_END!r}: {lines[begin - 1][:80]}")


def _defined(text: str, known: Mapping[str, str]) -> str:
    """A definition's text; a list is written out, with what it is made of not filled yet."""
    listed = _LIST.match(text)
    if listed is None:
        return text
    turns = _turns(listed[2].split(), listed[3], known)
    return ",\n".join(
        _PLACEHOLDER.sub(lambda match, turn=turn: turn.get(match[1], match[0]), listed[1])
        for turn in turns
    )


def _turns(names: list[str], listed: str, known: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Names and values of each turn. Values are not filled yet: what they stand for has commas."""
    while _ONE_NAME.match(listed):
        listed = _filled_once(listed, known)
    for turn in listed.split(","):
        values = turn.split()
        if len(values) != len(names):
            raise ValueError(f"{names} cannot be filled from {turn.strip()!r}")
        yield dict(zip(names, values, strict=True))


def _filled(text: str, known: Mapping[str, str]) -> str:
    found = text
    for _ in range(_DEEPEST):
        before, found = found, _filled_once(found, known)
        if found == before:
            return found
    raise ValueError(f"a definition uses itself: {text.strip()[:80]}")


def _filled_once(text: str, known: Mapping[str, str]) -> str:
    def value(match: re.Match[str]) -> str:
        if match[1] not in known:
            raise ValueError(f"unknown placeholder {{{match[1]}}} in: {text.strip()[:80]}")
        return known[match[1]]

    return _PLACEHOLDER.sub(value, text)
