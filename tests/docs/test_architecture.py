"""`docs/architecture.md` and `docs/reference/cli.md` describe the house as it stands."""

import importlib.util
import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
ARCHITECTURE = (DOCS / "architecture.md").read_text(encoding="utf-8")
HOST = DOCS.parent / "vaeaug"
ROOMS = sorted(path.name for path in HOST.iterdir() if path.is_dir() and not path.name.startswith("__"))
FILES = sorted(path.name for path in HOST.glob("*.py") if not path.name.startswith("__"))


def test_there_are_rooms() -> None:
    assert {"dataset", "training", "export"} <= set(ROOMS)


@pytest.mark.parametrize("name", [*(f"{room}/" for room in ROOMS), *FILES])
def test_every_room_and_every_file_below_them_is_named(name: str) -> None:
    picture = ARCHITECTURE.split("```")[1]
    assert re.search(rf"(^|\s){re.escape(name)}\s", picture), name


def test_every_room_in_the_picture_exists() -> None:
    picture = ARCHITECTURE.split("```")[1]
    named = re.findall(r"^  (\w+)/", picture, flags=re.MULTILINE)
    assert sorted(named) == ROOMS


def test_every_file_named_in_the_text_exists() -> None:
    text = ARCHITECTURE.split("Where this departs")[0]
    for name in re.findall(r"`([\w/]+\.py)`", text):
        found = list(HOST.rglob(name))
        assert found, name


def test_the_command_line_reference_is_up_to_date() -> None:
    spec = importlib.util.spec_from_file_location("make_cli_reference", DOCS / "make_cli_reference.py")
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    written = (DOCS / "reference" / "cli.md").read_text(encoding="utf-8")
    # Words, not lines: how help is wrapped is up to the version of click.
    assert written.split() == script.reference().split(), "run: python docs/make_cli_reference.py"
