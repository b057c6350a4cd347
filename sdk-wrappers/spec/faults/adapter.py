"""An SDK as a process: one command as a line of JSON on its input, one answer on its output.

    {"op": "init", "endpoint": URL, "key": KEY, "store": FOLDER}  → {"ok": true}
    {"op": "track", "names": [NAME, …]}                           → {"ok": true}
    {"op": "flush", "seconds": N}                                 → {"ok": true, "delivered": bool}
    {"op": "stats"}                                               → {"ok": true, "dropped": {…}}
    {"op": "exit"}                                                → ends, as an app ends

`store` outlives the process: an adapter that is started again with it goes on with what is there.
"""

import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


class Adapter:
    """One process of an SDK's adapter."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        self._log = log
        with log.open("ab") as errors:
            self.process = subprocess.Popen(
                command,
                env=dict(environment),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )

    def ask(self, op: str, **arguments: Any) -> dict[str, Any]:
        """Give one command, and wait for its answer. Raises RuntimeError where there is none."""
        self._say({"op": op, **arguments})
        line = self.process.stdout.readline() if self.process.stdout else ""
        answer: dict[str, Any] = json.loads(line) if line else {}
        if answer.get("ok") is not True:
            raise RuntimeError(f"{op}: {answer or 'no answer'}\n{self._log.read_text()}")
        return answer

    def exit(self, within_seconds: float = 10.0) -> int:
        """Have it end, as an app ends; its exit code."""
        self._say({"op": "exit"})
        return self._end(within_seconds)

    def kill(self) -> int:
        """SIGKILL."""
        self.process.kill()
        return self._end(10.0)

    def _say(self, command: Mapping[str, Any]) -> None:
        if self.process.stdin is not None:
            self.process.stdin.write(json.dumps(command) + "\n")
            self.process.stdin.flush()

    def _end(self, within_seconds: float) -> int:
        try:
            self.process.communicate(timeout=within_seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()
            raise
        return self.process.returncode
