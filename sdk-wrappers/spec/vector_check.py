"""The set of vectors, and whether a suite's report covers it: `python vector_check.py REPORT.json`.

A report is `{"sdk": …, "sha256": …, "passed": [id, …]}`, written by the suite that ran the vectors.
Prints the hash of the set and the number of cases; exits 1 where the report leaves out a case, has
one too many, or was made with other files.
"""

import hashlib
import json
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

FOLDER: Final = Path(__file__).parent / "vectors"


def files() -> list[Path]:
    """The files of the set, in order of their names."""
    return sorted(FOLDER.glob("*.json"), key=lambda path: path.name.encode())


def set_hash() -> str:
    """SHA-256 of the bytes of all files, one after another in order of their names."""
    return hashlib.sha256(b"".join(path.read_bytes() for path in files())).hexdigest()


def cases() -> dict[str, tuple[str, dict[str, Any]]]:
    """Every case by its id: the name of its function, and the case."""
    found: dict[str, tuple[str, dict[str, Any]]] = {}
    for path in files():
        document = json.loads(path.read_text())
        for case in document["cases"]:
            if case["id"] in found:
                raise ValueError(f"{path.name}: {case['id']} occurs twice")
            found[case["id"]] = document["function"], case
    return found


def problems(report: Mapping[str, Any]) -> list[str]:
    """What is wrong with a report; empty where it covers the set."""
    wanted, passed = set(cases()), Counter(report["passed"])
    found = [f"{name} was not run or did not pass" for name in sorted(wanted - set(passed))]
    found += [f"{name} is no case of the set" for name in sorted(set(passed) - wanted)]
    found += [f"{name} is reported {n} times" for name, n in sorted(passed.items()) if n > 1]
    if report["sha256"] != set_hash():
        found.append(f"the set is {set_hash()}, the suite ran {report['sha256']}")
    return found


def summary(sdk: str) -> str:
    """The line each suite prints."""
    return f"{sdk}: {len(cases())} vectors, sha256 {set_hash()}"


def main() -> int:
    """Check the report named on the command line."""
    report = json.loads(Path(sys.argv[1]).read_text())
    found = problems(report)
    sys.stdout.write("\n".join([*found, summary(str(report["sdk"]))]) + "\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
