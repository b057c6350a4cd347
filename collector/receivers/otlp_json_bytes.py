"""The two ways in which OTLP/JSON writes bytes: ids in hex, all else in base64. Pure."""

import base64
import binascii
from typing import Final

HEX_FIELDS: Final = frozenset({"traceId", "spanId", "parentSpanId"})
"""https://github.com/open-telemetry/opentelemetry-proto/blob/main/docs/specification.md#json-protobuf-encoding"""


def from_hex(text: str) -> bytes:
    """Bytes of hexadecimal digits. Raises ValueError, whose text is given to the sender."""
    try:
        return binascii.unhexlify(text)
    except ValueError:
        raise ValueError("Expected hexadecimal digits, two for each byte") from None


def from_base64(text: str) -> bytes:
    """Bytes of base64, in either alphabet, padded or not. Raises ValueError likewise."""
    try:
        standard = text.replace("-", "+").replace("_", "/").rstrip("=")
        return base64.b64decode(standard + "=" * (-len(standard) % 4), validate=True)
    except ValueError:
        raise ValueError("Expected base64") from None
