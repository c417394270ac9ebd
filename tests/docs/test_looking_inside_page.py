"""`docs/how-to/looking-inside.md`: its blocks run one after the other, and draw what they are said to."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from PIL import Image
from tiny_data import run

PAGE = (Path(__file__).parents[2] / "docs/how-to/looking-inside.md").read_text(encoding="utf-8")
LINES = [
    line
    for block in re.findall(r"^```sh\n(.*?)^```$", PAGE, flags=re.DOTALL | re.MULTILINE)
    for line in block.splitlines()
]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run the whole page once, in this process, and return the folder it ran in."""
    place = tmp_path_factory.mktemp("inside")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        for line in LINES:
            program, *words = line.split()
            assert program == "vaeaug"
            assert run(*words) == 0, line
    return place


def test_the_paths_are_there(place: Path) -> None:
    for name, steps in (("bag-to-bag", 11), ("bag-to-shirt", 7)):
        assert len(list((place / name / "frames").iterdir())) == steps
        with Image.open(place / name / "strip.png") as strip:
            assert strip.width > (steps + 2) * 112
    assert json.loads((place / "bag-to-shirt/vaeaug.json").read_text())["labels"] == ["bag", "shirt"]


def test_the_traversals_are_there(place: Path) -> None:
    assert (place / "shop-latents/bag.png").exists()
    record = json.loads((place / "shop-image/vaeaug.json").read_text())
    assert record["measure"] == "kl"
    assert 1 <= len(record["latents"]["shirt"]) <= 5
    assert all(entry["kl"] > 0.01 for entry in record["latents"]["shirt"][:1])
