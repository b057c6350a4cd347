"""What `seamark repair` did, for people and for programs. Pure."""

from dataclasses import dataclass, field

import msgspec

from seamark.recovery.lost import Source


class RepairedPartition(msgspec.Struct, frozen=True, kw_only=True):
    """One partition: what was lost, from where it comes, and the rows its parts have since."""

    table: str
    partition: str
    lost: int
    source: Source
    rows: int | None = None


@dataclass(slots=True)
class Repair:
    """What was done, or would be (`dry_run`); and, by name, what cannot be."""

    partitions: list[RepairedPartition] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    dry_run: bool = False


def as_json(done: Repair) -> str:
    """For programs."""
    document = {
        "dryRun": done.dry_run,
        "partitions": msgspec.to_builtins(done.partitions),
        "left": done.left,
    }
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode()


def text(done: Repair) -> str:
    """For people: a line for each partition, then what is left."""
    lines = [
        f"{one.table} {one.partition}: {one.lost:,} rows lost, "
        + (
            f"would be filled in from the {one.source}"
            if one.rows is None
            else f"filled in from the {one.source}, {one.rows:,} now"
        )
        for one in done.partitions
    ]
    lines += [f"left as it is: {why}" for why in done.left]
    return "\n".join(lines) or "nothing to do: the store says of no part that it is lost"
