"""The laws of error groups: values of a message do not tell groups apart, words do."""

import uuid
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.error_rule import frames_of, identity, message_of

HEX = "0123456789abcdef"
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
times = st.datetimes(min_value=datetime(1990, 1, 1), max_value=datetime(2100, 1, 1))
names = st.text("abcdefgxyz_", min_size=1, max_size=9)
values = st.one_of(
    st.uuids().map(str),
    st.uuids().map(lambda u: str(u).upper()),
    st.uuids().map(lambda u: u.hex),
    st.builds(
        str.__add__, st.sampled_from("01234567"), st.text(CROCKFORD, min_size=25, max_size=25)
    ),
    st.text(HEX, min_size=8, max_size=64),
    st.integers(0, 2**64).map(hex),
    st.integers(-(10**12), 10**12).map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(str),
    st.ip_addresses(v=4).map(str),
    st.ip_addresses(network="2001:db8::/32").map(str),
    st.ip_addresses(network="fe80::/64").map(str),
    st.ip_addresses(v=4).map(lambda a: f"{a}:8080"),
    times.map(lambda t: t.isoformat(timespec="milliseconds") + "Z"),
    times.map(lambda t: t.replace(tzinfo=UTC).isoformat(" ", "seconds")),
    times.map(lambda t: t.strftime("%H:%M:%S")),
    times.map(lambda t: t.strftime("%a, %d %b %Y %H:%M:%S GMT")),
    st.builds("{}@{}.example.com".format, names, names.map(lambda n: n.replace("_", "-"))),
    st.builds("/{}/{}/{}.log".format, names, names, names),
    st.builds("C:\\{}\\{}".format, names, names),
    st.builds("https://{}.example.com/{}?q={}".format, names, names, names),
    st.text("abc def/.:-0123", max_size=12).map(lambda t: f'"{t}"'),
    st.text("abc def/.:-0123", max_size=12).map(lambda t: f"'{t}'"),
    st.text("abc def/.:-0123", max_size=12).map(lambda t: f"`{t}`"),
)
hashed = st.builds(
    "main.{}.{}".format,
    st.text(HEX, min_size=8, max_size=20),
    st.sampled_from(["js", "css", "mjs"]),
)
words = st.text("bcdfghklmnprstvwxyz", min_size=2, max_size=8).filter(
    lambda w: w not in ("pm", "mon", "may")
)
templates = st.lists(words, min_size=2, max_size=5)
borders = st.sampled_from([(" ", " "), (" (", ") "), ("=", ", "), (": ", "; "), (" [", "] ")])


def message(parts: list[str], border: tuple[str, str], filled: list[str]) -> str:
    text = parts[0]
    for word, value in zip(parts[1:], filled, strict=False):
        text += f"{border[0]}{value}{border[1]}{word}"
    return text


@settings(max_examples=300, deadline=None)
@given(parts=templates, border=borders, data=st.data())
def test_messages_that_differ_in_values_are_one_group(
    parts: list[str], border: tuple[str, str], data: st.DataObject
) -> None:
    one, other = (
        message(parts, border, data.draw(st.lists(values, min_size=4, max_size=4)))
        for _ in range(2)
    )
    assert message_of(one) == message_of(other)


@given(one=hashed, other=hashed)
def test_names_of_hashed_files_are_one_group(one: str, other: str) -> None:
    assert message_of(f"cannot load {one}") == message_of(f"cannot load {other}")


@given(one=templates, other=templates, border=borders, data=st.data())
def test_messages_that_differ_in_words_are_two_groups(
    one: list[str], other: list[str], border: tuple[str, str], data: st.DataObject
) -> None:
    filled = data.draw(st.lists(values, min_size=4, max_size=4))
    same = message_of(message(one, border, filled)) == message_of(message(other, border, filled))
    assert same is (one == other)


@pytest.mark.parametrize(
    ("stack", "frames"),
    [
        (
            "TypeError: x\n    at total (https://cdn.example/static/main.3f2a9c.js:214:31)\n"
            "    at async Object.<anonymous> (/app/src/index.js:98:17)\n"
            "    at Module._compile (node:internal/modules/cjs/loader:1105:14)\n"
            "    at /app/node_modules/express/lib/router.js:1:2\n"
            "    at load (assets/index-DiwrgTda.js:1:200)",
            "total (main<*>)\nObject.<anonymous> (index.js)\nload (index<*>)",
        ),
        (
            'Traceback (most recent call last):\n  File "/srv/top.py", line 3, in top\n'
            '    low()\n  File "/srv/low.py", line 9, in low\n'
            '  File "/usr/lib/python3.11/json/decoder.py", line 355, in raw_decode\n    raise e',
            'File "low.py", in low\nFile "top.py", in top',
        ),
        (
            "goroutine 1 [running]:\nmain.f(0xc000012345, 0x2)\n\t/app/main.go:12 +0x1d\n"
            "runtime.main()\n\t/usr/local/go/src/runtime/proc.go:250 +0x1c",
            "main.f main.go",
        ),
        (
            "java.lang.IllegalStateException: x\n\tat com.acme.Cart.total(Cart.java:83)\n"
            "\tat com.acme.Cart$$EnhancerBySpringCGLIB$$3f2a9c12.total(<generated>)\n"
            "\tat java.base/java.lang.Thread.run(Thread.java:833)\n"
            "\tat com.acme.Cart$$Lambda$14/0x0008a1.apply(Unknown Source)",
            "com.acme.Cart.total(Cart.java)\n"
            "com.acme.Cart$$EnhancerBySpringCGLIB$<*>.total(<generated>)\n"
            "com.acme.Cart$$Lambda<*>.apply(Unknown Source)",
        ),
        (
            "total@https://shop.example/main.3f2a9c.js:10:5\n@https://shop.example/main.js:1:2",
            "total@main<*>\n@main.js",
        ),
        (
            "   at Shop.Cart.Total(String id) in /src/Cart.cs:line 12\n"
            "   at System.Threading.ThreadPool.Dispatch()",
            "Shop.Cart.Total(String id) in Cart.cs",
        ),
        ("/app/cart.rb:10:in `total'\n/usr/lib/gems/rack.rb:3:in `call'", "cart.rb:in `total'"),
        ("#0 /app/cart.php(12): total()\n#1 {main}", "cart.php: total()\n{main}"),
        ("TypeError: no frames at all", ""),
    ],
    ids=["v8", "python", "go", "java", "firefox", "dotnet", "ruby", "php", "none"],
)
def test_frames_of_each_format(stack: str, frames: str) -> None:
    assert frames_of(stack) == frames


@given(
    line=st.integers(1, 9999),
    column=st.integers(1, 9999),
    build=st.text(HEX, min_size=8, max_size=20),
    folder=st.sampled_from(["/srv/a", "https://cdn.example", "/releases/20261130"]),
    said=values,
)
def test_positions_builds_folders_and_messages_do_not_tell_stacks_apart(
    line: int, column: int, build: str, folder: str, said: str
) -> None:
    stack = f"TypeError: {said}\n    at total ({folder}/main.{build}.js:{line}:{column})"
    assert identity(said, stack) == ("total (main<*>)", "")


def test_case_11_the_same_error_with_another_uuid_is_one_group() -> None:
    stack = "at f (a.js:1:2)"
    made = {identity(f"user {uuid.uuid4()} not found", stack) for _ in range(6)}
    without = {identity(f"user {uuid.uuid4()} not found", "") for _ in range(6)}
    assert (made, without) == ({("f (a.js)", "")}, {("", "user <*> not found")})
