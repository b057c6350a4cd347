"""The streams and buckets Seamark needs, and what separates them from those that exist.

Pure: settings and what the server said go in, configurations and decisions come out. The shape is
DESIGN's ("The log"): one stream per signal and partition, because one stream with filtered
consumers costs the server several times more per message, and separate streams fsync in parallel.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from nats.js.api import DiscardPolicy, RetentionPolicy, StorageType, StreamConfig

from seamark.service.connections import LogSettings
from seamark.service.settings import SettingsError
from seamark.wire.buckets import (
    ADMIN_BUCKET,
    AUDIT_STREAM,
    AUDIT_SUBJECTS,
    CONFIG_BUCKET,
    DEAD_STREAM,
    DEAD_SUBJECTS,
    POSITIONS_BUCKET,
    dead_letters_per_subject,
)
from seamark.wire.signals import Signal, stream_name, subject

DUPLICATE_WINDOW_SECONDS: Final = 120.0
"""How long the log itself drops a message id it has seen: a collector sends a message again for
some seconds only, or looks for it first (`collector/spool/resend_policy.py`), and every id costs
the server 300 bytes. Clients' retries are another matter, for the readers of the log
(`processors/blocks/dedup`)."""
DEAD_MAX_AGE_SECONDS: Final = 30 * 86400.0
"""Dead letters outlive the log: a person has to find, understand and replay them."""
AUDIT_CHANGES: Final = 20_000
"""Changes that the audit holds, of all orgs; the oldest go first."""
AUDIT_CHANGE_BYTES: Final = 64 * 1024
AUDIT_MAX_AGE_SECONDS: Final = 400 * 86400.0
_LOG_STREAM: Final = re.compile(rf"^SEAMARK_({'|'.join(Signal)})_(\d+)\Z")
_FROZEN: Final = ("storage", "retention")
"""What JetStream cannot change in a stream that exists."""
_GOVERNED: Final = (
    *_FROZEN,
    "subjects",
    "discard",
    "max_bytes",
    "max_age",
    "max_msgs",
    "max_msg_size",
    "max_msgs_per_subject",
    "duplicate_window",
    "allow_direct",
    "allow_atomic",
    "allow_rollup_hdrs",
    "allow_msg_ttl",
    "deny_delete",
    "num_replicas",
)
"""What is held true; the rest (placement, description, ...) is the operator's."""


@dataclass(frozen=True, slots=True)
class Change:
    """A stream to create, or (with `fields`, the names of what differs) to update."""

    config: StreamConfig
    create: bool
    fields: tuple[str, ...] = ()


def wanted(settings: LogSettings) -> list[StreamConfig]:
    """Every stream that must exist, those behind the buckets included."""
    streams = [
        _log(stream_name(signal, partition), subject(signal, partition), settings)
        for signal in Signal
        for partition in range(settings.partitions)
    ]
    return [
        *streams,
        _dead(settings),
        _audit(settings),
        *(_bucket(name, settings) for name in _BUCKETS),
    ]


_BUCKETS: Final = (CONFIG_BUCKET, POSITIONS_BUCKET, ADMIN_BUCKET)


def _log(name: str, on: str, settings: LogSettings) -> StreamConfig:
    return StreamConfig(
        name=name,
        subjects=[on],
        storage=StorageType.FILE,
        retention=RetentionPolicy.LIMITS,
        # A full stream refuses (our 503); dropping its head would lose what nobody has read yet.
        discard=DiscardPolicy.NEW,
        max_bytes=settings.max_bytes,
        max_age=float(settings.max_age_seconds),
        duplicate_window=min(DUPLICATE_WINDOW_SECONDS, float(settings.max_age_seconds)),
        allow_direct=True,
        allow_atomic=True,
        num_replicas=settings.replicas,
    )


def _dead(settings: LogSettings) -> StreamConfig:
    return StreamConfig(
        name=DEAD_STREAM,
        subjects=[DEAD_SUBJECTS],
        storage=StorageType.FILE,
        retention=RetentionPolicy.LIMITS,
        # Here the oldest goes first: bad senders must never keep new dead letters out. It goes in
        # its own subject, which is its org's: they must not push out those of others either.
        discard=DiscardPolicy.OLD,
        max_bytes=settings.max_bytes,
        max_msgs_per_subject=dead_letters_per_subject(settings.max_bytes),
        max_age=DEAD_MAX_AGE_SECONDS,
        duplicate_window=DUPLICATE_WINDOW_SECONDS,
        allow_direct=True,
        num_replicas=settings.replicas,
    )


def _audit(settings: LogSettings) -> StreamConfig:
    return StreamConfig(
        name=AUDIT_STREAM,
        subjects=[AUDIT_SUBJECTS],
        storage=StorageType.FILE,
        retention=RetentionPolicy.LIMITS,
        discard=DiscardPolicy.OLD,
        # One subject per change: the entry with its result replaces the entry `begun`.
        max_msgs_per_subject=1,
        max_msgs=AUDIT_CHANGES,
        max_msg_size=AUDIT_CHANGE_BYTES,
        max_age=AUDIT_MAX_AGE_SECONDS,
        duplicate_window=DUPLICATE_WINDOW_SECONDS,
        num_replicas=settings.replicas,
    )


def _bucket(name: str, settings: LogSettings) -> StreamConfig:
    # A key-value bucket is a stream of this shape (NATS ADR-8). No direct reads: in a cluster
    # they may be answered by a replica that is behind, and positions are compared and set.
    return StreamConfig(
        name=f"KV_{name}",
        subjects=[f"$KV.{name}.>"],
        storage=StorageType.FILE,
        retention=RetentionPolicy.LIMITS,
        discard=DiscardPolicy.NEW,
        max_msgs_per_subject=1,
        allow_rollup_hdrs=True,
        allow_msg_ttl=True,
        deny_delete=True,
        duplicate_window=120.0,
        num_replicas=settings.replicas,
    )


def changes(existing: Iterable[StreamConfig], settings: LogSettings) -> list[Change]:
    """What has to be done to `existing` so that `wanted(settings)` holds; nothing when it does.

    Raises SettingsError where JetStream could not follow, or where data would be orphaned.
    """
    present = {config.name: config for config in existing if config.name is not None}
    _refuse_fewer_partitions(present, settings)
    todo: list[Change] = []
    for config in wanted(settings):
        current = present.get(config.name or "")
        if current is None:
            todo.append(Change(config, create=True))
            continue
        different = _different(current, config)
        if frozen := [name for name in different if name in _FROZEN]:
            raise SettingsError(
                f"stream {config.name} exists with {_listed(frozen, current)}; JetStream cannot "
                f"change that to {_listed(frozen, config)}: drain the stream, delete it, run again"
            )
        if different:
            values = {name: getattr(config, name) for name in different}
            todo.append(Change(current.evolve(**values), create=False, fields=tuple(different)))
    return todo


def _refuse_fewer_partitions(names: Iterable[str], settings: LogSettings) -> None:
    for match in filter(None, map(_LOG_STREAM.match, names)):
        signal, partition = match[1], int(match[2])
        if partition >= settings.partitions:
            raise SettingsError(
                f"SEAMARK_LOG_PARTITIONS is {settings.partitions}, but the log already has "
                f"{match[0]}: partitions of {signal} can be added, never taken away"
            )


def _different(current: StreamConfig, config: StreamConfig) -> list[str]:
    """Names of the governed fields that `config` sets and `current` has otherwise."""
    return [
        name
        for name in _GOVERNED
        if (value := getattr(config, name)) is not None and getattr(current, name) != value
    ]


def _listed(names: Iterable[str], config: StreamConfig) -> str:
    return ", ".join(f"{name} {_text(getattr(config, name))}" for name in names)


def _text(value: object) -> str:
    return str(getattr(value, "value", value))
