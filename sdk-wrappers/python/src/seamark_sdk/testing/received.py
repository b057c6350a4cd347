"""What arrived, and the assertions about it. Each waits a while for what is still under way."""

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from jsonschema import Draft202012Validator

from seamark_sdk.core.scrub import scrub_text
from seamark_sdk.testing.items import Item

_NEAR = 5


class Received:
    """Items in the order in which they came; safe for several threads.

    `endpoint` and `key` are for the SDK under test. Methods that assert raise AssertionError.
    """

    def __init__(self, endpoint: str, key: str, *, seconds: float = 5.0) -> None:
        self.endpoint = endpoint
        self.key = key
        self.problems: list[str] = []
        """What was wrong with requests: the real collector would have rejected it."""
        self._seconds = seconds
        self._items: list[Item] = []
        self._changed = threading.Condition()

    def add(self, items: list[Item], problems: list[str]) -> None:
        """What one request brought."""
        with self._changed:
            self._items += items
            self.problems += problems
            self._changed.notify_all()

    def clear(self) -> None:
        """Forget everything so far."""
        with self._changed:
            self._items.clear()
            self.problems.clear()

    @property
    def items(self) -> list[Item]:
        """Everything so far."""
        with self._changed:
            return list(self._items)

    def received(self, name: str, /, *, times: int | None = None, **attributes: Any) -> list[Item]:
        """The events of this name that have these attributes: at least one, or exactly `times`."""
        return self._of_kind("event", name, times, attributes)

    def spans(self, name: str, /, *, times: int | None = None, **attributes: Any) -> list[Item]:
        """The same of spans."""
        return self._of_kind("span", name, times, attributes)

    def metrics(self, name: str, /, *, times: int | None = None, **attributes: Any) -> list[Item]:
        """The same of data points of a metric."""
        return self._of_kind("metric", name, times, attributes)

    def logs(self, name: str = "", /, *, times: int | None = None, **attributes: Any) -> list[Item]:
        """The same of log records; their name is `eventName`, which most have not."""
        return self._of_kind("log", name, times, attributes)

    def matches(self, name: str, schema: Mapping[str, Any]) -> None:
        """The attributes of every event of this name fit a JSON Schema (2020-12)."""
        validator = Draft202012Validator(schema)
        for item in self.received(name):
            for error in validator.iter_errors(dict(item.attributes)):
                where = ".".join(str(part) for part in error.absolute_path) or "attributes"
                raise AssertionError(f"{name}: {where}: {error.message}")

    def valid(self) -> None:
        """Every request was one that the collector takes whole."""
        if self.problems:
            raise AssertionError("\n".join(self.problems))

    def no_pii(self, *also: str) -> None:
        """No text has an e-mail address, a card number, a JWT, a key, or a text of `also`."""
        for item in self.items:
            for path, text in _texts(dict(item.document), item.kind):
                if scrub_text(text) != text:
                    raise AssertionError(f"{item.name}: {path}: {text!r}")
                for one in also:
                    if one and one in text:
                        raise AssertionError(f"{item.name}: {path} has {one!r}: {text!r}")

    def cardinality(self, attribute: str, *, most: int, name: str = "") -> None:
        """An attribute has at most so many values, of all items or those of one name."""
        found = {
            repr(item.attributes[attribute])
            for item in self.items
            if attribute in item.attributes and name in ("", item.name)
        }
        if len(found) > most:
            raise AssertionError(
                f"{attribute} has {len(found)} values, at most {most}: {sorted(found)[:_NEAR]}"
            )

    def _of_kind(
        self, kind: str, name: str, times: int | None, attributes: Mapping[str, Any]
    ) -> list[Item]:
        def fits(item: Item) -> bool:
            return (item.kind, item.name) == (kind, name) and all(
                key in item.attributes and item.attributes[key] == value
                for key, value in attributes.items()
            )

        found = self._wait(lambda: [item for item in self._items if fits(item)], times or 1)
        if times is None and found:
            return found
        if times is not None and len(found) == times:
            return found
        near = [dict(item.attributes) for item in self.items if item.name == name][:_NEAR]
        others = sorted({item.name for item in self.items if item.kind == kind})
        raise AssertionError(
            f"{len(found)} of {kind} {name!r} with {dict(attributes)}, "
            f"not {'one' if times is None else times}; "
            + (f"of that name came {near}" if near else f"what came is {others}")
        )

    def _wait(self, look: Callable[[], list[Item]], count: int) -> list[Item]:
        deadline = time.monotonic() + (self._seconds if count else 0)
        with self._changed:
            while len(found := look()) < count:
                left = deadline - time.monotonic()
                if left <= 0:
                    break
                self._changed.wait(left)
            return found


def _texts(value: Any, path: str) -> list[tuple[str, str]]:
    if isinstance(value, str):
        return [(path, value)]
    if isinstance(value, dict):
        return [
            found
            for key, inner in value.items()
            if key not in ("id", "traceId", "spanId", "parentSpanId")
            for found in _texts(inner, f"{path}.{key}")
        ]
    if isinstance(value, list):
        return [found for inner in value for found in _texts(inner, path)]
    return []
