"""The report of a run, as Markdown. Pure but for the description of the machine."""

from collections import Counter
from collections.abc import Sequence

from load.machine import describe
from tests.chaos.campaign import Chapter


def report(chapters: Sequence[Chapter], *, seed: int, seconds: float) -> str:
    """What was done, what was counted, and whether every number is exact."""
    injected: Counter[str] = sum((found.injected for found in chapters), Counter())
    wrong = [found for found in chapters if found.differences]
    accepted = sum(found.oracle.accepted for found in chapters)
    tries = sum(found.oracle.attempts for found in chapters)
    verdict = (
        f"{len(wrong)} of {len(chapters)} chapters differ" if wrong else "every number is exact"
    )
    faults = injected.total()
    lines = [
        f"# Chaos, seed {seed}: {verdict}",
        "",
        f"{faults} faults, {seconds / 60:.0f} minutes ({seconds / max(1, faults):.1f} s a fault,"
        " starts, drains and comparisons included).",
        f"{accepted:,} items accepted in {tries:,} tries.",
        "",
        *_machine(),
        "",
        "| chapter | arena | faults | requests | tries | accepted items | drained in | |",
        "|---|---|---|---|---|---|---|---|",
        *(_row(number, found) for number, found in enumerate(chapters, 1)),
        "",
        "| fault | times |",
        "|---|---|",
        *(f"| {name} | {count} |" for name, count in sorted(injected.items())),
        "",
        "| counted | sum over the chapters |",
        "|---|---|",
        *(f"| {name} | {count:,} |" for name, count in _counts(chapters)),
    ]
    if left := sorted({name for found in chapters for name in found.comparison.left_out}):
        lines += ["", f"Not compared, or not done: {'; '.join(left)}."]
    for found in wrong:
        lines += ["", f"## {found.name}, seed {found.seed}", "", "```", found.account(), "```"]
    return "\n".join(lines) + "\n"


def _row(number: int, found: Chapter) -> str:
    sent = found.oracle
    verdict = "exact" if not found.differences else f"**{len(found.differences)} differences**"
    return (
        f"| {number} | {found.name} | {found.injected.total()} | {len(sent.asked):,} |"
        f" {sent.attempts:,} | {sent.accepted:,} | {found.drain_seconds:.1f} s | {verdict} |"
    )


def _counts(chapters: Sequence[Chapter]) -> list[tuple[str, int]]:
    counts: Counter[str] = Counter()
    for found in chapters:
        counts.update({f"accepted {kind}": n for kind, n in found.oracle.items.items()})
        counts.update({f"stored {table}": n for table, n in found.comparison.counts.items()})
    return sorted(counts.items())


def _machine() -> list[str]:
    machine = describe()
    versions = machine["versions"]
    assert isinstance(versions, dict)
    listed = ", ".join(f"{name} {version}" for name, version in versions.items())
    return [
        f"Machine: {machine['cpu']}, {machine['cores']} cores, {machine['memory_gib']} GiB,"
        f" {machine['kernel']}, Python {machine['python']}; {listed}."
    ]
