"""Writes `docs/send`: what `seamark connect` prints for a stack at the usual ports."""

from pathlib import Path

from seamark.sender.connect import DEFAULT, LANGUAGES, page

FOLDER = Path(__file__).parents[2] / "docs" / "send"


def main() -> None:
    for language in LANGUAGES:
        (FOLDER / f"{language}.md").write_text(page(language, DEFAULT, service="hello"))


if __name__ == "__main__":
    main()
