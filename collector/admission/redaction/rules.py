"""The rules of an app, compiled once for each revision of its record. Pure.

A `Redactor` says what happens to an attribute by its key (`key_rule`) and changes text
(`text`); `otlp.py`, `native.py` and `json_text.py` walk what holds them. It counts what each rule
changed. Rules that every app has (`DEFAULT_KEYS`) know whole keys only, which a search for a few
bytes finds, so that an app without rules of its own pays for nothing else.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from collector.admission.redaction.detectors import PATTERNS, Pattern, compiled
from collector.admission.redaction.keys import KeyMatcher
from collector.admission.redaction.searches import search_for, search_of_rules, shortest_keys
from collector.admission.user_ids import user_hash
from seamark.wire.privacy import Action, AttributeLists, DefaultRule, Detector, Redaction

REDACTED: Final = "[redacted]"
DENIED: Final = "attributes.deny"
NOT_ALLOWED: Final = "attributes.allow"
CROWDED: Final = "text.crowded"
"""A text that holds so much that may be something that it is masked as a whole."""
_MARKS: Final = frozenset({"", REDACTED, *(f"[{name}]" for name in PATTERNS)})
_KEYS_REMEMBERED: Final = 10_000
LONGEST_REMEMBERED: Final = 256
_TEXTS_REMEMBERED: Final = 2_048
"""Texts of one app and what they become, so at most a megabyte: attributes repeat."""
DEFAULT_KEYS: Final[dict[DefaultRule, tuple[str, ...]]] = {
    "user-id": ("user.id", "enduser.id"),
    "client-address": ("client.address",),
}
_ESCAPED_ASCII: Final = compiled(rb"\\u00[2-7]")


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. `keys` is None where it applies to all text; `detect` is empty for whole values."""

    name: str
    action: Action
    keys: KeyMatcher | None = None
    detect: frozenset[Detector] = frozenset()
    keep: int = 0


class Redactor:
    """What is done to the telemetry of one app. `salt` is its org's.

    `counts`: how many values each rule changed since they were last taken.
    """

    def __init__(
        self,
        redaction: Redaction | None = None,
        attributes: AttributeLists | None = None,
        *,
        salt: str,
    ) -> None:
        self.salt = salt
        self.counts: dict[str, int] = {}
        redaction = redaction or Redaction()
        attributes = attributes or AttributeLists()
        self._rules = _compiled_rules(redaction, attributes)
        self._allowed = KeyMatcher(attributes.allow) if attributes.allow else None
        self.user_rule = next((rule for rule in self._rules if rule.name == "user-id"), None)
        """What is done to the id of a user wherever it is known to be one."""
        self.has_rules = bool(redaction.rules or attributes.deny or attributes.allow)
        self.default_keys = _default_keys(redaction)
        self._shortest_keys = shortest_keys(self.default_keys)
        self._key_rules: dict[tuple[str, str], Rule | None] = {}
        self._texts: dict[tuple[str, str, str], tuple[str | None, dict[str, int]]] = {}
        self._patterns: dict[tuple[str, str], Sequence[tuple[Pattern, Rule]]] = {}
        self.may_touch: Callable[[bytes], bool] = (
            search_of_rules(redaction, attributes, self.default_keys)
            if self.has_rules
            else search_for(self.default_keys)
        )
        """Whether anything in a body may have to be changed; False is certain."""

    def count_default_keys(self, content: bytes) -> int:
        """How often keys of the default rules stand in bytes, as keys or otherwise."""
        return sum([content.count(key) for key in self._shortest_keys])

    def may_touch_json(self, body: bytes) -> bool:
        """The same of JSON, whose escapes may stand for letters of a key."""
        return self.may_touch(body) or (
            bool(self.default_keys)
            and body.rfind(b"\\") >= 0
            and body.rfind(b"\\u00") >= 0
            and _ESCAPED_ASCII.search(body) is not None
        )

    def key_rule(self, key: str, path: str = "") -> Rule | None:
        """The rule for the whole value of an attribute, by its key and the path to it."""
        rule: Rule | None = self._remembered(
            self._key_rules, (key, path or key), self._find_key_rule
        )
        return rule

    def is_allowed(self, key: str) -> bool:
        """Whether an attribute of an item is kept."""
        return self._allowed is None or self._allowed.matches(key, key)

    def patterns(self, key: str = "", path: str = "") -> Sequence[tuple[Pattern, Rule]]:
        """Detectors, and rules for what they find: in a value of `key`, or with "" in no value."""
        found: Sequence[tuple[Pattern, Rule]] = self._remembered(
            self._patterns, (key, path or key), self._find_patterns
        )
        return found

    def remembered_text(
        self, place: tuple[str, str, str], redacted: Callable[[], str | None]
    ) -> str | None:
        """What a text becomes at a place (text, key, path), counted each time.

        `redacted` finds it out. Where nothing is changed, the text itself is returned.
        """
        known = self._texts.get(place)
        if known is None:
            counts, self.counts = self.counts, {}
            try:
                known = redacted(), self.counts
            finally:
                self.counts = counts
            if len(self._texts) >= _TEXTS_REMEMBERED:
                self._texts.clear()
            self._texts[place] = known
        made, counted = known
        for rule, count in counted.items():
            self.counts[rule] = self.counts.get(rule, 0) + count
        return place[0] if made == place[0] else made

    def count(self, rule: str) -> None:
        """A rule changed one value."""
        self.counts[rule] = self.counts.get(rule, 0) + 1

    def taken_counts(self) -> dict[str, int]:
        """The counts since this was last called."""
        taken, self.counts = self.counts, {}
        return taken

    def whole(self, rule: Rule, text: str) -> str | None:
        """What a rule makes of a whole value; None to drop it."""
        made = self._whole(rule, text)
        if made != text:
            self.count(rule.name)
        return made

    def _whole(self, rule: Rule, text: str) -> str | None:
        if rule.action == "drop":
            return None
        if text in _MARKS:
            return text
        if rule.action == "hash":
            return user_hash(self.salt, text) or None
        if rule.action == "mask":
            return REDACTED
        return text if len(text) <= rule.keep + text.endswith("…") else f"{text[: rule.keep]}…"

    def part(self, rule: Rule, text: str, detector: Detector) -> str:
        """What stands for what a detector found. Dropping is up to who holds the text."""
        self.count(rule.name)
        if rule.action == "hash" and self.salt:
            return user_hash(self.salt, text)
        if rule.action == "truncate" and rule.keep:
            return f"{text[: rule.keep]}…" if len(text) > rule.keep else f"[{detector}]"
        return f"[{detector}]"

    def identifier(self, text: str) -> str:
        """What stands for an id that holds what a detector finds: different ids stay different."""
        return user_hash(self.salt, text)

    def _find_key_rule(self, key: str, path: str) -> Rule | None:
        for rule in self._rules:
            if rule.keys is not None and not rule.detect and rule.keys.matches(key, path):
                return rule
        return None

    def _find_patterns(self, key: str, path: str) -> Sequence[tuple[Pattern, Rule]]:
        found: dict[Detector, Rule] = {}
        for rule in self._rules:
            if rule.keys is None or (key and rule.detect and rule.keys.matches(key, path)):
                for detector in rule.detect:
                    found.setdefault(detector, rule)
        return [(PATTERNS[name], found[name]) for name in PATTERNS if name in found]

    @staticmethod
    def _remembered(known: dict[Any, Any], key: tuple[str, str], find: Callable[..., Any]) -> Any:
        try:
            return known[key]
        except KeyError:
            found = find(*key)
            if len(key[1]) <= LONGEST_REMEMBERED:
                if len(known) >= _KEYS_REMEMBERED:
                    known.clear()
                known[key] = found
            return found


def _compiled_rules(redaction: Redaction, attributes: AttributeLists) -> list[Rule]:
    rules = [Rule(DENIED, "drop", KeyMatcher(attributes.deny))] if attributes.deny else []
    rules += [
        Rule(
            rule.name,
            rule.action,
            KeyMatcher(rule.keys) if rule.keys else None,
            frozenset(rule.detect),
            rule.keep,
        )
        for rule in redaction.rules
    ]
    rules += [
        Rule(name, "hash", KeyMatcher(keys, exact=True))
        for name, keys in DEFAULT_KEYS.items()
        if name not in redaction.without
    ]
    return rules


def _default_keys(redaction: Redaction) -> frozenset[str]:
    return frozenset(
        key for name, keys in DEFAULT_KEYS.items() if name not in redaction.without for key in keys
    )


UNTOUCHED: Final = Redactor(Redaction(without=("user-id", "client-address")), salt="")
"""Changes nothing."""
