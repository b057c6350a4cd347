"""`python -m load.table load/results/*.json`: CPU per item and part, one line for each result."""

import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from load.report import RunResult, cpu_us_per_item


def table(results: Sequence[RunResult]) -> str:
    """Markdown: a row for each result, a column for each part that any of them has."""
    parts = list(dict.fromkeys(name for result in results for name in result.parts))
    head = ["scenario", "date", "accepted/s", "p95, ms", "visible p95, ms", *parts, "together"]
    lines = [head, ["---"] * len(head)]
    for result in results:
        per_item = cpu_us_per_item(result)
        rate = sum(g.accepted_per_second for g in result.generators)
        worst = max(g.latency_ms.p95 for g in result.generators)
        visible = f"{result.visible.latency_ms.p95:.0f}" if result.visible else "-"
        lines.append(
            [
                result.scenario.name,
                result.date,
                f"{rate:,.0f}",
                f"{worst:.1f}",
                visible,
                *(f"{per_item[name]:.2f}" if name in per_item else "-" for name in parts),
                f"{sum(per_item.values()):.2f}",
            ]
        )
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def main(argv: Sequence[str] | None = None) -> int:
    """Print the table; what is no result of `load.run` is named and left out. 2 without files."""
    paths = sys.argv[1:] if argv is None else list(argv)
    if not paths:
        print("usage: python -m load.table load/results/<file>.json ...", file=sys.stderr)
        return 2
    results = []
    for path in paths:
        try:
            results.append(msgspec.json.decode(Path(path).read_bytes(), type=RunResult))
        except msgspec.ValidationError as error:
            print(f"{path}: no result of load.run, left out: {error}", file=sys.stderr)
    print(table(results))
    return 0


if __name__ == "__main__":
    sys.exit(main())
