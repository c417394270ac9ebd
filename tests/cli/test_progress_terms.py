"""How many loss terms a line of progress shows."""

import pytest

from vaeaug.cli.progress import MAX_TERMS, Lines
from vaeaug.progress import Tick


def test_of_many_terms_the_first_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    lines = Lines()
    lines.stage("Training")
    lines.last_line = float("-inf")  # the time for a line has come
    lines.tick(Tick(0.5, 100.0, {f"term{number}": float(number) for number in range(9)}))
    shown = capsys.readouterr().err
    assert f"term{MAX_TERMS - 1} 3.0" in shown
    assert f"term{MAX_TERMS}" not in shown
