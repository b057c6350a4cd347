"""Limits on what one request may carry (REQUIREMENTS: Ingest). Each has its own reason."""

from typing import Final

BODY_BYTES: Final = 512 * 1024
"""A request body as sent, before any content coding is undone."""
INFLATED_BYTES: Final = 4 * 1024 * 1024
"""A request body once inflated; inflation stops here, it is not measured afterwards."""
OTLP_BODY_BYTES: Final = 16 * 1024 * 1024
"""An OTLP request as sent, unless the collector's settings say otherwise."""
OTLP_INFLATED_BYTES: Final = 64 * 1024 * 1024
"""An OTLP request once inflated, likewise; it is cut into as many log messages as it needs."""
OTLP_EXPANDED_BYTES: Final = 256 * 1024 * 1024
"""What an OTLP request may become in the store (`otlp_expanded.py` says how it is counted)."""
PART_BYTES: Final = 1024 * 1024
"""A larger OTLP request is cut into parts of about this, each one frame of the log."""
PART_WEIGHT: Final = 16 * 1024 * 1024
"""What one part may weigh: a block of any sink holds it."""
OTLP_ITEMS: Final = 200_000
"""Resources, scopes, spans, metrics, data points and log records of one OTLP request, together."""
EVENTS_PER_BATCH: Final = 1_000
NAME_CHARS: Final = 128
NAME_PATTERN: Final = r"^[A-Za-z0-9._/:-]{1,128}\Z"
ATTRIBUTES: Final = 64
ATTRIBUTE_KEY_CHARS: Final = 128
ATTRIBUTE_VALUE_BYTES: Final = 4 * 1024
VALUE_MAGNITUDE: Final = 1e15
IDENTIFIER_CHARS: Final = 128
"""id, batchId, sessionId, userAnonId."""
UNIT_CHARS: Final = 64
ERRORS_REPORTED: Final = 100
"""At most this many entries in `errors`; `rejected` counts them all."""
DEAD_LETTER_BYTES: Final = 64 * 1024
"""The original of a rejected item that is kept; of a longer one only what was wrong with it."""
DEAD_LETTERS_BYTES: Final = 512 * 1024
"""What is kept of one request's rejected items, together."""
REPLAY_DAYS: Final = 31
"""How long ago a batch may have been received that is put into the log again."""
LATE_WINDOW_SECONDS: Final = 7 * 24 * 3600
"""Offline data older than this is rejected, unless the app's record says otherwise."""
TIMESTAMP_MIN_MS: Final = 0
TIMESTAMP_MAX_MS: Final = 4_102_444_800_000
"""1970-01-01 to 2100-01-01: what a column of type DateTime64(9) holds, with room."""
