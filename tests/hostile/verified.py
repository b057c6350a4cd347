"""What `seamark verify` says once a stack has stored what it accepted."""

import json
import subprocess
import time

from tests.system.stack import Stack, run


def verified(stack: Stack, *, seconds: float) -> "subprocess.CompletedProcess[str]":
    """The outcome, asked again while something is under way, at most for so long. Blocks.

    Nothing may be sent meanwhile: the running minute is compared as well.
    """
    deadline = time.monotonic() + seconds
    while True:
        told = run("verify", "--json", "--to", "now", "--data", str(stack.data), timeout=120)
        settled = told.returncode == 1 and not json.loads(told.stdout)["under_way"]
        if told.returncode == 0 or settled or time.monotonic() > deadline:
            return told
        time.sleep(1)
