"""Every scenario in the folder can be read, and says what its name says."""

from pathlib import Path

import pytest

from load import generate
from load.scenario import read_scenario

FOLDER = Path(__file__).parents[2] / "load" / "scenarios"


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.toml")), ids=lambda path: path.stem)
def test_a_scenario_is_named_like_its_file_and_is_a_command_line(path: Path) -> None:
    scenario = read_scenario(path)
    assert scenario.name == path.stem
    assert scenario.load
    for stream in scenario.load:
        options = generate.parser().parse_args(stream.arguments())
        assert (options.kind, options.rate) == (stream.kind, stream.rate)
        assert (options.batch_ids, options.gzip) == (stream.batch_ids, stream.gzip)
    assert not path.stem.startswith("short-") or scenario.duration_seconds <= 20


def test_the_promises_of_the_requirements_have_a_scenario() -> None:
    steady = read_scenario(FOLDER / "steady-20k.toml")
    assert sum(stream.rate for stream in steady.load) == 20_000
    assert steady.duration_seconds >= 600
    assert (steady.budget.ingest_p95_ms, steady.budget.visible_p95_ms) == (150, 5_000)


def test_a_misspelt_field_is_named(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_text('name = "x"\ntext = ""\nduration_seconds = 1\n[[load]]\nkind = "events"\nrat=1')
    with pytest.raises(ValueError, match="unknown field `rat`"):
        read_scenario(path)
