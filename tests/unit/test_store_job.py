"""Pieces between a thread and the loop: in order, not too many ahead, and over when cancelled."""

import asyncio
import threading

import pytest

from seamark.standalone.store.failures import StoreError
from seamark.standalone.store.job import StoreJob
from seamark.standalone.store.request import StoreRequest


class Producer:
    """A thread that sends numbered pieces until it is stopped, then tries twice more."""

    def __init__(self, job: StoreJob, pieces: int) -> None:
        self.sent = 0
        self.refused = 0
        self._job = job
        self._pieces = pieces
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self) -> None:
        try:
            for number in range(self._pieces):
                self._job.send(b"%d" % number)
                self.sent += 1
        except StoreError:
            for _ in range(2):
                with pytest.raises(StoreError, match="QUERY_WAS_CANCELLED"):
                    self._job.send(b"after the end")
                self.refused += 1
        finally:
            self._job.finish()


async def joined(producer: Producer) -> None:
    await asyncio.to_thread(producer.thread.join, 5)
    assert not producer.thread.is_alive()


async def test_pieces_arrive_in_order() -> None:
    job = StoreJob(StoreRequest(b""))
    producer = Producer(job, 50)

    assert [piece async for piece in job.pieces()] == [b"%d" % n for n in range(50)]
    await joined(producer)


async def test_a_slow_reader_holds_the_thread_up() -> None:
    job = StoreJob(StoreRequest(b""))
    producer = Producer(job, 50)
    await asyncio.to_thread(producer.thread.join, 0.2)

    assert producer.thread.is_alive()
    assert producer.sent < 10
    assert [piece async for piece in job.pieces()] == [b"%d" % n for n in range(50)]
    await joined(producer)


async def test_cancelling_frees_a_thread_that_waits_and_refuses_all_it_tries_after() -> None:
    job = StoreJob(StoreRequest(b""))
    producer = Producer(job, 50)
    await asyncio.to_thread(producer.thread.join, 0.2)

    job.cancel()

    await joined(producer)
    assert producer.refused == 2
