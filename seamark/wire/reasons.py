"""Why something was not accepted: a closed set.

One member is at once the field in a log line, the label of a metric, the key in the ledger and
the `reason` in an answer.
"""

import enum


class Reason(enum.StrEnum):
    """A reason is permanent for the bytes that were sent, except the last group."""

    # the request as a whole
    MALFORMED = "malformed"
    HEADERS_TOO_LARGE = "headers_too_large"
    TRANSFER_ENCODING = "unsupported_transfer_encoding"
    ENCODING = "unsupported_encoding"
    CONTENT_TYPE = "unsupported_content_type"
    TOO_LARGE = "body_too_large"
    INFLATED_TOO_LARGE = "inflated_too_large"
    EXPANDED_TOO_LARGE = "expanded_too_large"
    TOO_MANY_EVENTS = "too_many_events"
    TOO_DEEP = "nested_too_deep"
    INCOMPLETE = "incomplete_body"
    METHOD = "method_not_allowed"
    NOT_FOUND = "not_found"
    # who is asking
    NO_KEY = "missing_key"
    UNKNOWN_KEY = "unknown_key"
    DISABLED = "app_disabled"
    ORIGIN = "origin_not_allowed"
    WRONG_APP = "app_mismatch"
    WRONG_KIND = "wrong_kind_of_token"
    # one event, span, point or record
    INVALID_EVENT = "invalid_event"
    INVALID_NAME = "invalid_name"
    INVALID_TIMESTAMP = "invalid_timestamp"
    INVALID_VALUE = "invalid_value"
    INVALID_ATTRIBUTES = "invalid_attributes"
    INVALID_IDENTIFIER = "invalid_identifier"
    ID_REUSED = "id_reused"
    """The batchId, or the event's id, was used before for other content."""
    SCHEMA = "schema_violation"
    """The event is not what the schema of its type says."""
    TOO_LATE = "too_late"
    # ours, or for now: safe to send again
    LIMITED = "rate_limited"
    UNAVAILABLE = "unavailable"
    SHED = "shed"
    LOG_SHARE = "log_share"
    """An org has nearly filled its share of the log."""
    OVER_SHARE = "over_share"
    """A key, org or address holds its share of the collector's memory or connections."""
    TOO_SLOW = "too_slow"
    """A body came too slowly, or was the slowest when memory ran out."""
    TIMEOUT = "timeout"
    INTERNAL = "internal"
