"""Text of a protobuf message that is not UTF-8, replaced by U+FFFD. Pure.

protobuf's parsers refuse a whole request for one such string. Only what they refused comes here.
"""

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from collector.receivers.otlp_wire import LENGTH_DELIMITED, fields
from seamark.wire.envelope import bytes_field

MESSAGES_DEEP = 100
"""The depth at which protobuf's parsers stop."""


class TooDeep(ValueError):
    """Messages are nested deeper than protobuf's parsers go."""


class Mend:
    """Rewrites messages. `left_out` names the fields that could not be read and were left out.

    With `lenient`, a member of a list that is broken or too deep is left out; else it is an error.
    """

    def __init__(self, *, lenient: bool = False) -> None:
        self._lenient = lenient
        self.left_out: list[str] = []

    def message(self, kind: Descriptor, body: bytes, *, depth: int) -> bytes:
        """`body` with its text in UTF-8. `depth`: how many messages are around it.

        Raises ValueError where the bytes are no message, TooDeep.
        """
        if depth >= MESSAGES_DEEP:
            raise TooDeep(f"messages are nested deeper than {MESSAGES_DEEP}")
        parts: list[bytes] = []
        for found in fields(body):
            field = kind.fields_by_number.get(found.number)
            raw = body[found.start : found.end]
            if field is not None and found.wire == LENGTH_DELIMITED:
                value = body[found.value : found.end]
                if field.message_type is not None:
                    raw = self._nested(field, value, depth)
                elif field.type == FieldDescriptor.TYPE_STRING:
                    text = value.decode("utf-8", "replace").encode()
                    raw = raw if text == value else bytes_field(found.number, text)
            parts.append(raw)
        return b"".join(parts)

    def _nested(self, field: FieldDescriptor, value: bytes, depth: int) -> bytes:
        kind = field.message_type
        if kind is None:
            return b""
        try:
            return bytes_field(field.number, self.message(kind, value, depth=depth + 1))
        except ValueError:
            if not (self._lenient and field.is_repeated):
                raise
            self.left_out.append(field.json_name)
            return b""
