"""An app with the Python SDK that ends in one of several ways: `sdk_child.py WAY PREFIX NUMBER`.

Its events are `<prefix>.<process>.<number>`; process 0 is the first one.
"""

import os
import signal
import sys
import threading
import time

import seamark_sdk as seamark


def track(prefix: str, process: int, count: int) -> None:
    """Track the events of one process."""
    for number in range(count):
        seamark.track(f"{prefix}.{process}.{number}", {"page": "/cart"}, value=number, unit="1")


def forked(prefix: str, count: int) -> None:
    """Three children that end differently, made while threads track and batches are sent."""
    stop = threading.Event()

    def busy() -> None:
        number = 0
        while not stop.is_set():
            seamark.track(f"{prefix}.busy.{number}")
            number += 1
            time.sleep(0.0005)

    threads = [threading.Thread(target=busy)]
    threads[0].start()
    track(prefix, 0, count)
    children = []
    for process in (1, 2, 3):
        pid = os.fork()
        if pid == 0:
            track(prefix, process, count)
            if process == 1:
                os._exit(0)  # as multiprocessing ends its workers
            if process == 2:
                os.kill(os.getpid(), signal.SIGKILL)
            os._exit(0 if seamark.flush(15.0) else 1)
        children.append(pid)
    track(prefix, 0, 0)
    statuses = [os.waitpid(pid, 0)[1] for pid in children]
    stop.set()
    threads[0].join()
    sys.exit(0 if statuses == [0, signal.SIGKILL, 0] else f"children ended with {statuses}")


def main() -> None:
    """Track, and end in the way that was asked for."""
    way, prefix, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
    seamark.configure(telemetry=False)
    if way == "flush":
        sys.exit(0 if seamark.flush(float(count)) else "not delivered")
    if way == "fork":
        forked(prefix, count)
    track(prefix, 0, count)
    if way == "timed":
        began = time.monotonic()
        time.sleep(1.5)
        slept = time.monotonic()
        seamark.shutdown()
        sys.stdout.write(f"{slept - began - 1.5} {time.monotonic() - slept}")
    if way == "os_exit":
        os._exit(0)
    if way in ("SIGTERM", "SIGKILL"):
        os.kill(os.getpid(), signal.Signals[way])
        time.sleep(10)
    if way == "raise":
        raise RuntimeError("as an app that fails")


if __name__ == "__main__":
    main()
