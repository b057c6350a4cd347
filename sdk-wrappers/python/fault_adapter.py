"""The Python SDK behind the fault collector's protocol (`sdk-wrappers/spec/faults/adapter.py`)."""

import json
import sys
from typing import Any

import seamark_sdk as seamark


def answer(command: dict[str, Any]) -> dict[str, object]:
    """Do one command."""
    match command["op"]:
        case "init":
            seamark.configure(
                command["key"],
                command["endpoint"],
                "faults",
                telemetry=False,
                spool_dir=command["store"],
            )
        case "track":
            for name in command["names"]:
                seamark.track(name)
        case "flush":
            return {"ok": True, "delivered": seamark.flush(command["seconds"])}
        case "stats":
            return {"ok": True, "dropped": seamark.stats()["dropped"]}
        case _:
            return {"ok": False}
    return {"ok": True}


def main() -> None:
    """Answer until `exit`."""
    for line in sys.stdin:
        command = json.loads(line)
        if command["op"] == "exit":
            return
        sys.stdout.write(json.dumps(answer(command)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
