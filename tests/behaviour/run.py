"""The long form: `python -m tests.behaviour.run --runs 20` runs every column so many times.

Starts a log, a collector and a browser of its own. Prints a table in Markdown, with what ran; exits
1 where an event did not arrive once. `make web-behaviour` sets the path that it needs.
"""

import argparse
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.behaviour.columns import COLUMNS, Situation, problem, summary
from tests.support.collector_process import KEY, CollectorProcess, prepare
from tests.support.sdk_log import delivered
from tests.support.servers import NatsServer
from tests.support.web_browser import WebBrowser, build_sdk, web_browser
from tests.support.web_site import WEB, Site


def runs_of(
    browser: WebBrowser, site: Site, port: int, *, columns: Sequence[str], runs: int, parallel: int
) -> list[tuple[str, Situation]]:
    """Each column so often."""

    def one(column: str, number: int) -> tuple[str, Situation]:
        situation = Situation(f"{column}.{number}", browser.context(), site.url, port, KEY)
        return column, situation.play(COLUMNS[column])

    # those that wait longest first
    jobs = [(column, number) for number in range(runs) for column in columns]
    jobs.sort(key=lambda job: not job[0].endswith("30s"))
    with ThreadPoolExecutor(parallel) as pool:
        return list(pool.map(lambda job: one(*job), jobs))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run and print; the exit code is 1 where an event did not arrive once."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--only", choices=COLUMNS, help="this column alone")
    parser.add_argument("--parallel", type=int, default=8, help="columns at a time")
    chosen = parser.parse_args(arguments)
    columns = [chosen.only] if chosen.only else list(COLUMNS)
    build_sdk()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, NatsServer(Path(folder) / "nats") as log:
        prepare(log)
        with (
            CollectorProcess(log, Path(folder) / "collector") as collector,
            Site() as site,
            web_browser() as browser,
        ):
            done = runs_of(
                browser,
                site,
                collector.port,
                columns=columns,
                runs=chosen.runs,
                parallel=chosen.parallel,
            )
            version = browser.version
        arrived = Counter(str(event["name"]) for event in delivered(log))
    failed = [said for _, situation in done if (said := problem(situation, arrived))]
    sdk = json.loads((WEB / "package.json").read_text())["version"]
    lines = [
        f"@seamark/web {sdk}, {version}, {chosen.runs} runs of each column, "
        f"{chosen.parallel} at a time, {time.monotonic() - began:.0f} s",
        "",
        "| column | arrived once / tracked |",
        "|---|---|",
    ]
    for column in columns:
        situations = [situation for name, situation in done if name == column]
        lines.append(f"| {column} | {summary(situations, arrived)} |")
    sys.stdout.write("\n".join([*lines, *failed]) + "\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
