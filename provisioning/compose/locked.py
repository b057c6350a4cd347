"""`python locked.py ROOT …`: the lines of `requirements.lock` that ROOT needs, hashes included.

The lock holds what everyone needs, tests and tools too; an image shall have its own part of it, in
the same versions and by the same hashes. ROOT is `seamark[extra,…]` or a package. What needs what
is read from the lock's `# via` comments. Runs on a bare Python, in the folder of both files.
"""

import re
import sys
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

_ENTRY = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^]]*\])?==")
_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]*")
_OURS = "seamark"


def part(lock: str, project: Mapping[str, object], roots: Iterable[str]) -> str:
    """The lock's entries for `roots` and all they need, in the lock's order.

    `project` is pyproject's `[project]`. Raises KeyError for a root that the lock does not have.
    """
    entries = _entries(lock)
    needs: dict[str, set[str]] = {name: set() for name in entries}
    for name, text in entries.items():
        for parent in _parents(text):
            needs.setdefault(parent, set()).add(name)
    waiting = [name for root in roots for name in _expanded(root, project)]
    wanted: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name not in entries:
            raise KeyError(f"requirements.lock has no {name}")
        if name not in wanted:
            wanted.add(name)
            waiting.extend(needs[name])
    return "".join(text for name, text in entries.items() if name in wanted)


def _entries(lock: str) -> dict[str, str]:
    """By package: its lines of the lock. A package that is there twice has both."""
    found: dict[str, str] = {}
    name = ""
    for line in lock.splitlines(keepends=True):
        if match := _ENTRY.match(line):
            name = _normal(match[1])
        if name:
            found[name] = found.get(name, "") + line
    return found


def _parents(text: str) -> Iterable[str]:
    """Who asked for it, from the comments behind an entry."""
    for line in text.splitlines():
        comment = line.strip()
        if comment.startswith("#") and (said := comment.lstrip("# ").removeprefix("via").strip()):
            yield _normal(said.split()[0].split("[")[0])


def _expanded(root: str, project: Mapping[str, object]) -> list[str]:
    name, _, extras = root.rstrip("]").partition("[")
    if name != _OURS:
        return [_normal(name)]
    optional = project["optional-dependencies"]
    listed = list(_strings(project["dependencies"]))
    for extra in filter(None, extras.split(",")):
        assert isinstance(optional, dict)  # noqa: S101  # pyproject's own form
        listed += _strings(optional[extra])
    return [_normal(match[0]) for text in listed if (match := _NAME.match(text))]


def _strings(values: object) -> Sequence[str]:
    return [str(value) for value in values] if isinstance(values, list) else []


def _normal(name: str) -> str:
    """As PEP 503 has it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def main(roots: Sequence[str]) -> int:
    """Print the part; the exit code."""
    project = tomllib.loads(Path("pyproject.toml").read_text())["project"]
    sys.stdout.write(part(Path("requirements.lock").read_text(), project, roots))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
