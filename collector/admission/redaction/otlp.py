"""An OTLP request that protobuf has read, changed where it stands. Pure.

Every text in it is looked at, whatever message it is in: names, bodies, attributes of resources,
scopes, items, events, links and exemplars, status messages. Ids, times and measured values are no
text.
"""

import math
from collections.abc import Container, Iterable, Sequence
from typing import Any, Final

from google.protobuf.descriptor import FieldDescriptor

from collector.admission.redaction import text as texts
from collector.admission.redaction.json_text import canonical
from collector.admission.redaction.rules import NOT_ALLOWED, Redactor

_ITEMS: Final = frozenset({"Span", "LogRecord", "Metric"})
"""Most of them hold nothing to change, which a search in their bytes tells sooner than a walk."""
_SHARED: Final = frozenset({"Resource", "InstrumentationScope", "Metric"})
"""Their attributes describe many items; the list of allowed attributes is about those of items."""


def redact_request(redactor: Redactor, request: Any) -> None:
    """Change a message and all that is in it."""
    name = request.DESCRIPTOR.name
    for field, found in request.ListFields():
        kind = field.message_type
        if kind is None:
            if field.type == FieldDescriptor.TYPE_STRING:
                _redact_text(redactor, request, field, found)
        elif kind.name == "KeyValue":
            redact_attributes(redactor, found, of_item=name not in _SHARED)
        elif kind.name == "AnyValue":
            if not _keep_value(redactor, found, "", ""):
                request.ClearField(field.name)
        elif field.is_repeated:
            items = kind.name in _ITEMS
            for each in found:
                if not items or redactor.may_touch(each.SerializeToString()):
                    redact_request(redactor, each)
        else:
            redact_request(redactor, found)


def redact_default_keys(redactor: Redactor, lists: Iterable[Any], body: bytes) -> bool:
    """Change a request in which only attributes of the default rules' keys have to be changed.

    `lists`: all lists of attributes of the request `body` but those in values. False, and nothing
    is done, where there may be more to change: the app has rules of its own, or such a key stands
    elsewhere too, as in a text or in a nested value.
    """
    if redactor.has_rules or not redactor.salt:
        return False
    count = redactor.count_default_keys(body)
    found = _with_keys(lists, redactor.default_keys, count)
    valued = [each for each in found if each.value.WhichOneof("value") is not None]
    texts_found = [each.value.string_value or _canonical(each.value) for each in valued]
    if len(found) != count or not all(texts_found):
        return False
    for attribute, text in zip(valued, texts_found, strict=True):
        rule = redactor.key_rule(attribute.key)
        made = redactor.whole(rule, text) if rule else text
        if made and made != text:
            attribute.value.string_value = made
    return True


def _with_keys(lists: Iterable[Any], keys: Container[str], most: int) -> list[Any]:
    """Attributes that have one of the keys, until so `most` are found.

    Items of one exporter have their attributes in one order, so a list is searched first where the
    one before had them. It may miss others then; the caller knows by their number.
    """
    found: list[Any] = []
    places: list[int] = []
    for attributes in lists:
        size = len(attributes)
        here = [
            attributes[place] for place in places if place < size and attributes[place].key in keys
        ]
        if not here:
            at = [place for place, each in enumerate(attributes) if each.key in keys]
            here = [attributes[place] for place in at]
            places = at or places
        found += here
        if len(found) >= most:
            break  # before `lists` looks for further ones
    return found


def _redact_text(redactor: Redactor, message: Any, field: Any, found: Any) -> None:
    if field.is_repeated:
        for place, text in enumerate(found):
            found[place] = texts.redacted_name(redactor, text)
        return
    made = texts.redacted_name(redactor, found)
    if made != found:
        setattr(message, field.name, made)


def redact_attributes(
    redactor: Redactor, attributes: Any, *, path: str = "", of_item: bool = False
) -> None:
    """Change a list of KeyValue."""
    dropped: list[int] = []
    for place, attribute in enumerate(attributes):
        key = attribute.key
        inner = f"{path}.{key}" if path else key
        if of_item and not redactor.is_allowed(key):
            redactor.count(NOT_ALLOWED)
            dropped.append(place)
            continue
        rule = redactor.key_rule(key, inner)
        if rule is None:
            if not _keep_value(redactor, attribute.value, key, inner):
                dropped.append(place)
                continue
        elif attribute.value.WhichOneof("value") is not None:
            text = _canonical(attribute.value)
            made = texts.whole(redactor, rule, text, key=key, path=inner)
            if made is None:
                dropped.append(place)
                continue
            if made != text:
                attribute.value.string_value = made
        name = texts.redacted_name(redactor, key)
        if name != key:
            attribute.key = texts.free_name(name, [other.key for other in attributes])
    _delete(attributes, dropped)


def _keep_value(redactor: Redactor, value: Any, key: str, path: str) -> bool:
    """Change an AnyValue; False where it has to go."""
    member = value.WhichOneof("value")
    if member == "string_value":
        text = value.string_value
        made = texts.redacted(redactor, text, key=key, path=path)
        if made is None:
            return False
        if made != text:
            value.string_value = made
    elif member == "array_value":
        members = value.array_value.values
        _delete(
            members,
            [
                place
                for place, each in enumerate(members)
                if not _keep_value(redactor, each, key, path)
            ],
        )
    elif member == "kvlist_value":
        redact_attributes(redactor, value.kvlist_value.values, path=path)
    elif member == "bytes_value":
        found = value.bytes_value
        changed = texts.redacted_bytes(redactor, found, key=key, path=path)
        if changed is None:
            return False
        if changed != found:
            value.bytes_value = changed
    elif member in ("int_value", "double_value"):
        number = getattr(value, member)
        kept = texts.redacted_number(redactor, number, key=key, path=path)
        if kept is None:
            return False
        if isinstance(kept, str):
            value.string_value = kept
    return True


def _delete(container: Any, places: Sequence[int]) -> None:
    if not places:
        return
    gone = frozenset(places)
    kept = [each for place, each in enumerate(container) if place not in gone]
    del container[:]
    container.extend(kept)


def _canonical(value: Any) -> str:
    """One text for one value."""
    found = _python(value)
    return found if isinstance(found, str) else canonical(found)


def _python(value: Any) -> Any:
    member = value.WhichOneof("value")
    if member is None:
        return None
    found = getattr(value, member)
    if member == "array_value":
        return [_python(each) for each in found.values]
    if member == "kvlist_value":
        return [[each.key, _python(each.value)] for each in found.values]
    if isinstance(found, bytes):
        return found.decode("utf-8", "replace")
    return str(found) if isinstance(found, float) and not math.isfinite(found) else found
