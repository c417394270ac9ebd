"""`docs/how-to/looking-inside.md`: its blocks run one after the other, and draw what they are said to."""

from __future__ import annotations

import json
from pathlib import Path

import doc_pages
import pytest
from PIL import Image

PAGE = (doc_pages.DOCS / "how-to/looking-inside.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run the whole page once, and return the folder it ran in."""
    place = tmp_path_factory.mktemp("inside")
    session = doc_pages.Session(place, {"--steps 200": "--steps 80"}, classes=("bag", "shirt"))
    for language, block in doc_pages.blocks(PAGE):
        session.run(language, block)
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
