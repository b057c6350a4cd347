"""Write `provisioning/grafana` anew, and remove what is no longer made."""

from pathlib import Path

from grafana.dashboards.generate import files

FOLDER = Path(__file__).parents[2] / "provisioning" / "grafana"


def main() -> None:
    """Blocks."""
    made = files()
    for path, text in made.items():
        target = FOLDER / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    for left in FOLDER.rglob("*.*"):
        if left.is_file() and left.relative_to(FOLDER).as_posix() not in made:
            left.unlink()


if __name__ == "__main__":
    main()
