"""The page about holding out and using outputs again names what there is."""

import re
from dataclasses import fields
from pathlib import Path

import pytest
from click.testing import CliRunner

from vaeaug.cli.augment import command
from vaeaug.export.manifest import ManifestRow

PAGE = (Path(__file__).parents[2] / "docs/how-to/holding-out.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("option", sorted(set(re.findall(r"--[a-z][a-z-]+", PAGE))))
def test_its_options_exist(option: str) -> None:
    assert option in CliRunner().invoke(command, ["--help"]).output


def test_its_columns_are_those_of_the_manifest() -> None:
    table = PAGE.rpartition("## The manifest")[2]
    columns = [
        name for cell in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE) for name in re.findall(r"`(\w+)`", cell)
    ]
    assert columns == [field.name for field in fields(ManifestRow)]
