"""A blocking call on the event loop fails a test here."""

from tests.support.blocking import blocking_calls_fail

__all__ = ["blocking_calls_fail"]
