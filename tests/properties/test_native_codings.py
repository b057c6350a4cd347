"""Laws of the content codings: packing is undone, whatever is missing is noticed."""

import contextlib
import gzip
import zlib
from collections.abc import Callable

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.http.bodies import undo
from seamark.wire.failures import Rejected
from seamark.wire.reasons import Reason

LIMIT = 100_000
calm = settings(deadline=None)


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


def zstd_of_unknown_size(data: bytes) -> bytes:
    packer = zstandard.ZstdCompressor(write_content_size=False, write_checksum=True).compressobj()
    return packer.compress(data) + packer.flush()


PACKERS: list[tuple[str, Callable[[bytes], bytes]]] = [
    ("gzip", gzip.compress),
    ("deflate", zlib.compress),
    ("deflate", raw_deflate),
    ("zstd", zstandard.compress),
    ("zstd", zstd_of_unknown_size),
]
MEMBERS = [row for row in PACKERS if row[0] != "deflate"]
bodies = st.binary(max_size=300) | st.builds(
    lambda part, times: part * times, st.binary(min_size=1, max_size=50), st.integers(1, 2000)
)


@pytest.mark.parametrize(("coding", "pack"), PACKERS)
@calm
@given(data=bodies)
def test_packing_is_undone(coding: str, pack: Callable[[bytes], bytes], data: bytes) -> None:
    assert undo(coding, pack(data), limit=LIMIT) == data


@pytest.mark.parametrize(("coding", "pack"), MEMBERS)
@calm
@given(parts=st.lists(bodies.filter(lambda data: len(data) < 20_000), min_size=1, max_size=4))
def test_members_and_frames_are_joined(
    coding: str, pack: Callable[[bytes], bytes], parts: list[bytes]
) -> None:
    whole = b"".join(parts)

    assert undo(coding, b"".join(map(pack, parts)), limit=LIMIT) == whole


@pytest.mark.parametrize(("coding", "pack"), PACKERS)
@calm
@given(data=bodies, missing=st.integers(1, 400))
def test_a_missing_end_is_noticed(
    coding: str, pack: Callable[[bytes], bytes], data: bytes, missing: int
) -> None:
    packed = pack(data)
    kept = packed[: max(0, len(packed) - missing)]
    if not kept and coding == "zstd":
        return  # no frame at all is a stream of no frames
    with pytest.raises(Rejected) as found:
        undo(coding, kept, limit=LIMIT)
    assert found.value.reason in (Reason.INCOMPLETE, Reason.MALFORMED)


@pytest.mark.parametrize(("coding", "pack"), PACKERS)
@calm
@given(size=st.integers(LIMIT - 3, LIMIT + 3))
def test_the_limit_is_exact(coding: str, pack: Callable[[bytes], bytes], size: int) -> None:
    packed = pack(bytes(size))
    if size <= LIMIT:
        assert undo(coding, packed, limit=LIMIT) == bytes(size)
        return
    with pytest.raises(Rejected) as found:
        undo(coding, packed, limit=LIMIT)
    assert found.value.reason is Reason.INFLATED_TOO_LARGE


@pytest.mark.parametrize("coding", ["gzip", "deflate", "zstd"])
@calm
@given(body=st.binary(max_size=60), magic=st.booleans())
def test_any_bytes_are_inflated_or_rejected(coding: str, body: bytes, magic: bool) -> None:
    start = {"gzip": b"\x1f\x8b\x08\0", "deflate": b"\x78\x9c", "zstd": b"\x28\xb5\x2f\xfd"}[coding]
    with contextlib.suppress(Rejected):  # and nothing else
        found = undo(coding, (start if magic else b"") + body, limit=LIMIT)
        assert len(found) <= LIMIT
