"""`docs/how-to/inpainting.md`: what is marked as code runs, one block after the other, and does what the text says."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import doc_pages
import numpy as np
import pytest
from PIL import Image

PAGE = (doc_pages.DOCS / "how-to/inpainting.md").read_text(encoding="utf-8")
SHORTER = {
    "--steps 200": "--steps 30",
    "shop-model shop shop-larger": "shop-model few shop-larger",
}


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """Run the whole page once; return the folder it ran in, and what each block printed."""
    place = tmp_path_factory.mktemp("page")
    session, said = doc_pages.Session(place, SHORTER, classes=("bag", "coat", "shirt")), []
    for language, block in doc_pages.blocks(PAGE):
        if "shop-larger" in block:
            for path in sorted((place / "shop/train").rglob("*.png"))[::30]:
                few = place / "few" / path.relative_to(place / "shop")
                few.parent.mkdir(parents=True, exist_ok=True)
                few.write_bytes(path.read_bytes())
        said.append(session.run(language, block))
    return place, said


def test_the_trees_are_those_of_the_images(read: tuple[Path, list[str]]) -> None:
    place, _ = read
    names = {path.relative_to(place / "holes") for path in (place / "holes").rglob("*.png")}
    assert len(names) == 6
    assert {path.relative_to(place / "filled") for path in (place / "filled").rglob("*.png")} == names
    assert len(list((place / "four-ways").rglob("*.png"))) == 24
    assert (place / "four-ways/uncertainty.zip").exists()
    for name in names:
        was, now, mask = (np.asarray(Image.open(place / folder / name)) for folder in ("holes", "filled", "masks"))
        assert np.array_equal(was[mask == 0], now[mask == 0])


def test_the_dataset_is_twice_as_large(read: tuple[Path, list[str]]) -> None:
    with (read[0] / "shop-larger/manifest.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    train = [row for row in rows if row["split"] == "train"]
    assert len(train) == 2 * len([row for row in train if row["synthetic"] == "false"]) == 12
    assert all(row["source"].startswith("train/") for row in train)


def test_python_prints_what_the_comment_says(read: tuple[Path, list[str]]) -> None:
    assert read[1][-1].strip() == "(2, 3, 28, 28, 1)"


@pytest.mark.parametrize("option", sorted(set(re.findall(r"`(--[\w-]+)", PAGE))))
def test_its_options_exist(option: str) -> None:
    from vaeaug.cli.inpaint import command
    from vaeaug.cli.train import command as train

    assert option in {name for parameter in (*command.params, *train.params) for name in parameter.opts}
