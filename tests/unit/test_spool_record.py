"""Records as bytes: what was written is read; what is torn or rotten is told from it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.spool.record import SpoolRecord, encode, read
from seamark.wire.signals import Signal

RECORDS = st.builds(
    SpoolRecord,
    message_id=st.text(st.characters(codec="ascii", exclude_categories=["C"]), max_size=40),
    signal=st.sampled_from(Signal),
    partition=st.integers(0, 255),
    payload=st.binary(max_size=60),
    weight=st.integers(0, 2**40),
    frames=st.integers(0, 2**20),
    floor=st.integers(0, 2**60),
    tried=st.booleans(),
    frames_header=st.text(max_size=20),
    spooled_ms=st.integers(0, 2**45),
)


@given(st.lists(RECORDS), st.integers(0, 1 << 30))
def test_what_was_written_is_read(records: list[SpoolRecord], at: int) -> None:
    data = b"".join(map(encode, records))
    contents = read(data, at=at)
    assert [placed.record for placed in contents.placed] == records
    assert contents.end == at + len(data)
    assert contents.damaged == 0
    ends = [placed.end for placed in contents.placed]
    assert read(data[ends[0] - at :], at=ends[0]).placed == contents.placed[1:] if ends else True


@given(st.lists(RECORDS, min_size=1, max_size=4), st.data())
def test_a_torn_tail_is_no_record(records: list[SpoolRecord], data: st.DataObject) -> None:
    whole = b"".join(map(encode, records[:-1]))
    last = encode(records[-1])
    torn = whole + last[: data.draw(st.integers(0, len(last) - 1))]
    contents = read(torn, at=0)
    assert [placed.record for placed in contents.placed] == records[:-1]
    assert contents.end == len(whole)
    assert contents.damaged == 0


@given(st.lists(RECORDS, min_size=3, max_size=4), st.data())
def test_a_rotten_record_costs_only_itself(records: list[SpoolRecord], data: st.DataObject) -> None:
    parts = [encode(record) for record in records]
    at = data.draw(st.integers(8, len(parts[1]) - 1))  # not its length, which leads to the next
    bit = 1 << data.draw(st.integers(0, 7))
    parts[1] = parts[1][:at] + bytes([parts[1][at] ^ bit]) + parts[1][at + 1 :]
    contents = read(b"".join(parts), at=0)
    assert [placed.record for placed in contents.placed] == [records[0], *records[2:]]
    assert contents.damaged == 1


@pytest.mark.parametrize("noise", [b"\0" * 4096, b"\xff" * 100, b"SMSPOOL1"])
def test_noise_is_a_tail(noise: bytes) -> None:
    assert read(noise, at=5).end == 5
