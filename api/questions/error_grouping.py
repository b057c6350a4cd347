r"""What makes a group of errors: the one rule, as RE2 patterns. `docs/questions.md` states it.

The group of an error is its app, service and `exception.type`, and
- with a stack trace, its *frames*: the top three of its own code, innermost first, without
  positions, directories, hashes of a build and addresses;
- without, its *message*: the first line, each value in it replaced by `<*>`.

A value is text in quotes, a URL, an e-mail address, a path, a time, an IP address, a UUID, a ULID,
eight and more hexadecimal digits (six with a decimal one among them), a file name's hash, a word in
which characters stand between digits, and any other number. Other words without digits are never
values, so messages that differ in words are two groups.

Frames are lines as V8, Java, .NET and Rust (`at …`), Python (`File "…", line …`), Firefox and
Safari (`…@…:1:2`), Go (a call, and its file on the next line), Ruby (`…:1:in …`) and PHP (`#0 …`)
write them. A frame is of the application's own code unless OUTSIDE matches; without such frames all
count. Patterns use nothing in which RE2 and Python's `re` (with `re.ASCII`) differ, so that tests
apply the same ones. Each alternation takes the first alternative that matches at a place.
"""

from typing import Final

PLACEHOLDER: Final = "<*>"
MAX_FRAMES: Final = 3
_HEX: Final = "|".join(
    (
        *(f"[a-fA-F]{{{k}}}[0-9][0-9a-fA-F]{{{5 - k},}}" for k in range(6)),
        "[a-fA-F]{6,}[0-9][0-9a-fA-F]*",
        "[0-9a-fA-F]{8,}",
    )
)
"""Six or more hexadecimal digits, a decimal one among them; from eight on, any."""
_HASH_8: Final = "|".join(
    f"[A-Za-z_]{{{k}}}[0-9][A-Za-z0-9_]{{{7 - k}}}" for k in range(8)
)  # as Rollup and Vite name files: https://rollupjs.org/configuration-options/#output-entryfilenames
_HASH_8_OR_CAPITALS: Final = "|".join(
    f"[a-z_]{{{k}}}[A-Z0-9][A-Za-z0-9_]{{{7 - k}}}" for k in range(8)
)
_SUFFIX: Final = r"\.(?:[cm]?[jt]sx?|css|map|wasm|html?|json|chunk|bundle|min)\b"
_MONTH: Final = (
    "(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|"
    "Sept?(?:ember)?|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)"
)
_CLOCK: Final = r"[0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?(?: ?[AaPp][Mm]\b)?"
_ZONE: Final = r"(?: ?(?:GMT|UTC|Z)\b)?(?: ?[+-][0-9]{2}:?[0-9]{2}\b)?(?: \([A-Z][A-Za-z ]*\))?"
_UNTIL_SPACE: Final = r"""[^ \t\n"'<>|()\[\]{},;]*[^ \t\n"'<>|()\[\]{},;:.!?]"""
_IPV6_FIRST: Final = "(?:[23][0-9a-fA-F]{3}|[fF][cCdD][0-9a-fA-F]{2}|[fF][eE][89abAB][0-9a-fA-F])"
QUOTED_OR_PLACE: Final = "|".join(
    (
        r'"[^"\n]*"',
        r"\B'[^'\n]*'",  # the apostrophe in a word is no quote
        r"`[^`\n]*`",
        "\u2018[^\u2019\n]*\u2019|\u201c[^\u201d\n]*\u201d|\u00ab[^\u00bb\n]*\u00bb",
        rf"\b[A-Za-z][A-Za-z0-9+.-]*://{_UNTIL_SPACE}",
        r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+",
        rf"(?:\b[A-Za-z]:|\B~|\B\.{{1,2}}|\B)[/\\]{_UNTIL_SPACE}",
    )
)
"""Values in a message: quotes, URLs, e-mail addresses, paths."""
TIME_OR_ADDRESS: Final = "|".join(
    (
        r"\b(?:[0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}\b",
        rf"\b(?:(?:Mon|Tues?|Wed(?:nes)?|Thu(?:rs)?|Fri|Sat(?:ur)?|Sun)(?:day)?,? )?"
        rf"(?:{_MONTH} [0-9]{{1,2}}\b,?|[0-9]{{1,2}}[ -]{_MONTH}\b)(?:[ -][0-9]{{4}}\b)?"
        rf"(?:,? (?:at )?{_CLOCK})?{_ZONE}",
        rf"\b[0-9]{{4}}[-/][0-9]{{2}}[-/][0-9]{{2}}(?:(?:[T ]|, ){_CLOCK})?{_ZONE}",
        rf"\b{_CLOCK}",
        r"\b[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?:[:/][0-9]+)?\b",
        rf"\b{_IPV6_FIRST}(?:(?::[0-9a-fA-F]{{0,4}}){{1,6}}(?::[0-9a-fA-F]{{1,4}}\b|::)|::)"
        r"|\B::(?:ffff:)?[0-9](?:[0-9a-fA-F.:]*[0-9a-fA-F])?\b",
    )
)
"""Values in a message: times, and addresses of machines."""
ID_OR_NUMBER: Final = "|".join(
    (
        r"(?:\b|_)[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b",
        r"(?:\b|_)[0-7][0-9A-HJKMNP-TV-Za-hjkmnp-tv-z]{25}\b",
        r"\b0[xX][0-9a-fA-F]+",
        r"\b[0-9]+(?:[.,][0-9]+)+(?:[eE][+-]?[0-9]+)?\b",
        rf"[.-](?:{_HEX}|{_HASH_8}){_SUFFIX}",
        rf"(?:\b|_)(?:{_HEX})\b",
        r"\b[A-Za-z]*[0-9]+[A-Za-z]+[0-9][A-Za-z0-9]*\b",
        r"(?:\B-|_)?[0-9]+(?:[.,][0-9]+)*(?:[eE][+-]?[0-9]+\b)?",
    )
)
"""Values in a message: ids, hashes, numbers."""
VALUES: Final = (QUOTED_OR_PLACE, TIME_OR_ADDRESS, ID_OR_NUMBER)
"""What stands for a value in a message, replaced one pattern after another: as one alternation they
are too large for RE2's automaton and take five times as long."""
MAX_LINES: Final = 100
"""Lines of a stack trace that are looked at, from its innermost frame."""
GO_CALL: Final = (")\n\t/", ") /")
"""Go writes a call and its file on two lines; the first text is replaced by the second."""
FRAME: Final = "|".join(
    (
        r"^[ \t]*at [^ \n]",
        r'^[ \t]*File "[^"\n]*", line [0-9]+',
        r"^[^ \t\n@]*@[^ \t\n]+:[0-9]+(?::[0-9]+)?$",
        r"^[^ \t\n][^(\n]*\([^\n]*\) /[^ \n]+:[0-9]+",
        r"^[ \t]*(?:from )?[^ \t\n]+:[0-9]+:in ",
        r"^#[0-9]+ ",
    )
)
"""A line that is a frame."""
ANY_FRAME: Final = rf"(?m){FRAME}|^[^ \t\n][^(\n]*\([^\n]*\)\n\t/[^ \n]+:[0-9]+"
"""A stack trace with a frame in it."""
INNERMOST_LAST: Final = ' File "'
"""What stands in a trace that ends with its innermost frame, as Python writes them."""
OUTSIDE: Final = "|".join(
    (
        r"node_modules[/\\]|[ (]node:|[ (]internal/|\(<anonymous>\)|\(native\)|\(index [0-9]+\)",
        r"\[native code\]|webpack/(?:runtime|bootstrap)|-extension://",
        r"(?:site|dist)-packages[/\\]|[/\\]lib[/\\]python[0-9]|<frozen |[/\\]gems[/\\]|/vendor/",
        r"at (?:[a-z.]+/)?(?:javax?|jdk|sun|com\.sun|kotlinx?|scala|groovy|android|dalvik)\.",
        r"at (?:org\.(?:springframework|apache|eclipse|hibernate|junit)|io\.netty|reactor)\.",
        r"at (?:System|Microsoft)\.|at (?:core|std|tokio)::|/rustc/",
        r"/go/src/runtime/|/usr/local/go/|/go/pkg/mod/|^(?:runtime|panic)[.(]",
    )
)
"""Frames of a runtime, a framework or an installed package."""
POSITION: Final = "|".join(
    (
        r"(?m)^[ \t]*(?:at (?:async )?|#[0-9]+ |from )|^[ \t]+",
        r":line [0-9]+|, line [0-9]+|:[0-9]+(?::[0-9]+)?\b|\([0-9]+\)|\(0x[^)\n]*\)| \+0x[0-9a-f]+",
        r"\?[^ \t\n)]*",
        r"""[^ \t\n("'@$]*[/\\]""",
    )
)
"""What a frame loses: its marker, line and column, arguments, query string and directories."""
BUILD: Final = "|".join(
    (
        rf"[.-](?:{_HEX}|{_HASH_8_OR_CAPITALS}){_SUFFIX}",
        r"\b0[xX][0-9a-fA-F]+",
        rf"(?:\b|_|\$)(?:{_HEX})\b",
        r"\$(?:0[xX][0-9a-fA-F]+|[A-Za-z]*[0-9]+)",
    )
)
"""What a frame has another of in every build or run: hashes, addresses, generated names."""
