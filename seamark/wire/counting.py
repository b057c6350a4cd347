"""Envelopes that only count: what is left of a frame whose items are not to be stored. Pure."""

from collections.abc import Sequence

import zstandard

from seamark.wire.envelope import DeadLetter, Outcome, Sender, encode_envelope
from seamark.wire.signals import Signal


def counting_frame(
    sender: Sender,
    *,
    receipt: str,
    received_ns: int,
    outcome: Outcome,
    signal: Signal,
    dead_letters: Sequence[DeadLetter] = (),
) -> bytes:
    """A frame whose envelope has no body: it becomes no row, and stands in the ledger."""
    envelope = encode_envelope(
        sender.encode(),
        receipt=receipt,
        received_ns=received_ns,
        sent_ms=None,
        outcome=outcome,
        signal=signal,
        body=b"",
        dead_letters=dead_letters,
    )
    return zstandard.compress(envelope, 1)
