"""`python -m provisioning.clickhouse` prints the schema as the engine gets it."""

import pytest

from provisioning.clickhouse.__main__ import main


def test_statements_are_printed_filled_in(capsys: pytest.CaptureFixture[str]) -> None:
    main()
    printed = capsys.readouterr().out
    assert "CREATE TABLE IF NOT EXISTS seamark.events" in printed
    assert "{" not in printed.replace("'{'", "")
