"""Bodies unpacked, results packed, damage noticed."""

import gzip
import random
import zlib
from collections.abc import Callable

import lz4.frame  # type: ignore[import-untyped]  # it has no stubs
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from seamark.standalone.store.encodings import PREFERRED, Packer, choose, unpack
from seamark.standalone.store.failures import StoreError
from seamark.wire.zstd_frames import ends_whole

MIB = 1024 * 1024
PACK: dict[str, Callable[[bytes], bytes]] = {
    "zstd": zstandard.ZstdCompressor(level=1).compress,
    "gzip": gzip.compress,
    "lz4": lz4.frame.compress,
    "deflate": zlib.compress,
    "": bytes,
}


def unpacked(body: bytes, encoding: str, limit_bytes: int = 64 * MIB) -> bytes:
    return b"".join(unpack(body, encoding, limit_bytes=limit_bytes))


@pytest.mark.parametrize("encoding", ["zstd", "gzip", "lz4", "deflate", ""])
@given(members=st.lists(st.binary(max_size=400), max_size=5))
def test_members_one_after_the_other_are_one_body(encoding: str, members: list[bytes]) -> None:
    body = b"".join(map(PACK[encoding], members))

    assert unpacked(body, encoding) == b"".join(members)


@pytest.mark.parametrize("encoding", ["zstd", "gzip", "lz4", "deflate"])
@settings(max_examples=300)
@given(first=st.binary(max_size=200), last=st.binary(min_size=1, max_size=200), data=st.data())
def test_a_body_cut_short_is_never_taken(
    encoding: str, first: bytes, last: bytes, data: st.DataObject
) -> None:
    frame = PACK[encoding](last)
    cut = data.draw(st.integers(1, len(frame) - 1))

    with pytest.raises(StoreError) as caught:
        unpacked(PACK[encoding](first) + frame[:-cut], encoding)

    assert caught.value.code == 33


@pytest.mark.parametrize("encoding", ["zstd", "gzip", "lz4", "deflate"])
def test_large_bodies_come_in_pieces(encoding: str) -> None:
    body = PACK[encoding](b"seamark " * MIB)

    pieces = list(unpack(body, encoding, limit_bytes=9 * MIB))

    assert b"".join(pieces) == b"seamark " * MIB
    assert max(map(len, pieces)) <= MIB
    assert all(pieces)


@pytest.mark.parametrize("encoding", ["zstd", "gzip", "lz4", "deflate", ""])
def test_a_compression_bomb_is_stopped_while_it_is_inflated(encoding: str) -> None:
    pieces = unpack(PACK[encoding](bytes(8 * MIB)), encoding, limit_bytes=2 * MIB)

    with pytest.raises(StoreError) as caught:
        assert sum(map(len, pieces)) <= 2 * MIB
    assert caught.value.code == 290


@pytest.mark.parametrize("encoding", ["zstd", "gzip", "lz4", "deflate"])
def test_noise_is_an_error_of_the_sender(encoding: str) -> None:
    with pytest.raises(StoreError) as caught:
        unpacked(b"no such thing", encoding)

    assert caught.value.status == 400


def test_unknown_encodings_are_named() -> None:
    with pytest.raises(StoreError, match="'br' is not supported"):
        unpacked(b"", "br")


@pytest.mark.parametrize("encoding", PREFERRED)
@given(pieces=st.lists(st.binary(max_size=300), max_size=5))
def test_what_is_packed_can_be_unpacked(encoding: str, pieces: list[bytes]) -> None:
    packer = Packer(encoding)

    packed = b"".join(map(packer.add, pieces)) + packer.end()

    assert unpacked(packed, encoding) == b"".join(pieces)


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        ("", ""),
        ("br", ""),
        ("gzip, deflate, br, zstd", "zstd"),
        ("lz4;q=0.5, gzip", "lz4"),
        ("zstd;q=0, gzip", "gzip"),
        ("identity", ""),
    ],
)
def test_the_best_of_what_is_offered(accept: str, chosen: str) -> None:
    assert choose(accept) == chosen


@given(
    bodies=st.lists(st.binary(max_size=300), min_size=1, max_size=4),
    level=st.integers(-5, 5),
    checksum=st.booleans(),
    sized=st.booleans(),
)
def test_frames_of_every_make_are_walked(
    bodies: list[bytes], level: int, checksum: bool, sized: bool
) -> None:
    compressor = zstandard.ZstdCompressor(
        level=level, write_checksum=checksum, write_content_size=sized
    )
    frames = [compressor.compress(body * 40) for body in bodies]
    skippable = b"\x53\x2a\x4d\x18\x03\x00\x00\x00abc"
    whole = b"".join(frames) + skippable

    inside = set(range(len(whole) + 1))
    for count in range(len(frames) + 1):
        inside.discard(len(b"".join(frames[:count])))
    inside.discard(len(whole))

    assert ends_whole(whole)
    assert not any(ends_whole(whole[:cut]) for cut in inside)


def test_frames_of_many_blocks_are_walked() -> None:
    frame = zstandard.ZstdCompressor().compress(random.Random(1).randbytes(MIB))

    assert ends_whole(frame + frame)
    assert not ends_whole(frame + frame[:-1])
