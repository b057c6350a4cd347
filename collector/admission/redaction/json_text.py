"""JSON: in the text of an attribute, or what a dead letter keeps of an item. Pure.

Keys of objects are keys of attributes, and so is `key` beside `value`, as OTLP writes attributes.
"""

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from collector.admission.redaction import text as texts
from collector.admission.redaction.rules import REDACTED, Redactor, Rule

DEEPEST: Final = 24
_TEXTS_DEEP: Final = 6
_SPACE: Final = b" \t\r\n"
_DROPPED: Final = object()


class _Reading:
    """One document: whether an object in it has a key twice, of which a parser shows only one."""

    def __init__(self) -> None:
        self.twice = False

    def members(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(pairs)
        self.twice = self.twice or len(made) != len(pairs)
        return made


def redacted_json(
    redactor: Redactor,
    text: bytes,
    *,
    path: str = "",
    depth: int = 0,
    members: Mapping[str, Rule] = MappingProxyType({}),
    of_any_kind: bool = False,
) -> bytes | None:
    """A text that is an object or array of JSON, or with `of_any_kind` any JSON; else None.

    The text itself where nothing in it was changed. `members` are rules for members of the
    outermost object. `depth`: how many texts it stands in.
    """
    stripped = text.strip(_SPACE)
    if depth >= _TEXTS_DEEP or not (of_any_kind or stripped[:1] in (b"{", b"[")):
        return None
    reading = _Reading()
    try:
        document = json.loads(stripped, object_pairs_hook=reading.members)
    except (ValueError, RecursionError):
        return None
    walk = _Walk(redactor, depth, members)
    made = walk.value(document, "", path)
    if not walk.any and not reading.twice:
        return text
    made = REDACTED if made is _DROPPED else made
    return json.dumps(made, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


class _Walk:
    """Walks one document; `any` is set once something was changed."""

    def __init__(self, redactor: Redactor, depth: int, members: Mapping[str, Rule]) -> None:
        self._redactor = redactor
        self._members = members
        self._depth = depth
        self.any = False

    def value(self, value: Any, key: str, path: str, level: int = 0) -> Any:
        """A value of `key`, as it is stored; `_DROPPED` to leave it out."""
        if level > DEEPEST:
            return self._changed(REDACTED)
        if isinstance(value, dict):
            return self._object(value, path, level)
        if isinstance(value, list):
            members = [self.value(each, key, path, level + 1) for each in value]
            return [each for each in members if each is not _DROPPED]
        if isinstance(value, str):
            made = texts.redacted(self._redactor, value, key=key, path=path, depth=self._depth + 1)
            if made is None:
                return self._changed(_DROPPED)
            return value if made == value else self._changed(made)
        if isinstance(value, int | float) and not isinstance(value, bool):
            number = texts.redacted_number(self._redactor, value, key=key, path=path)
            if number is None:
                return self._changed(_DROPPED)
            return value if number is value else self._changed(number)
        return value

    def _object(self, found: dict[str, Any], path: str, level: int) -> Any:
        attribute = found.get("key")
        if isinstance(attribute, str) and "value" in found and len(found) <= 2:
            return self._attribute(found, attribute, path, level)
        made: dict[str, Any] = {}
        for key, value in found.items():
            inner = f"{path}.{key}" if path else key
            rule = self._redactor.key_rule(key, inner)
            if rule is None and level == 0:
                rule = self._members.get(key)
            if rule is None:
                kept = self.value(value, key, inner, level + 1)
            else:
                kept = self._whole(rule, value, key, inner)
            if kept is _DROPPED:
                continue
            name = texts.redacted_name(self._redactor, key)
            if name != key:
                self.any = True
                name = texts.free_name(name, {*found, *made})
            made[name] = kept
        return made

    def _attribute(self, found: dict[str, Any], key: str, path: str, level: int) -> Any:
        inner = f"{path}.{key}" if path else key
        rule = self._redactor.key_rule(key, inner)
        if rule is None:
            kept = self.value(found["value"], key, inner, level + 1)
        else:
            kept = self._whole_attribute(rule, found["value"], key, inner)
        if kept is _DROPPED:
            return _DROPPED
        name = texts.redacted_name(self._redactor, key)
        if name != key:
            self.any = True
        return {"key": name, "value": kept}

    def _whole(self, rule: Rule, value: Any, key: str, path: str) -> Any:
        if value is None:
            return value
        text = value if isinstance(value, str) else canonical(value)
        made = texts.whole(self._redactor, rule, text, key=key, path=path)
        if made is None:
            return self._changed(_DROPPED)
        return value if made == text else self._changed(made)

    def _whole_attribute(self, rule: Rule, value: Any, key: str, path: str) -> Any:
        """The same of a value as OTLP writes it: `{"stringValue": "…"}`."""
        inner = value
        if isinstance(value, dict) and len(value) == 1:
            [inner] = value.values()
        made = self._whole(rule, inner, key, path)
        if made is _DROPPED or made is inner:
            return made if made is _DROPPED else value
        return {"stringValue": made}

    def _changed(self, value: Any) -> Any:
        self.any = True
        return value


def canonical(value: Any) -> str:
    """One text for one value, to be hashed or cut."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
