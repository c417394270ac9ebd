"""The page's table says of each kind of file what the copies are, and its loader reads 16-bit images."""

from __future__ import annotations

import re
from pathlib import Path

import awkward_images as awkward
import numpy as np
from PIL import Image

PAGE = (Path(__file__).parents[2] / "docs/how-to/what-out-holds.md").read_text(encoding="utf-8")
MODES = {"RGB": "8-bit RGB", "L": "8-bit gray", "P": "palette", "I;16": "16-bit gray"}


def test_the_table_has_a_row_for_every_kind_that_is_tested_with_its_copies() -> None:
    table = PAGE.partition("## Kinds of files")[2].partition("\n## ")[0]
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines() if line.startswith("|")
    ]
    assert len(rows) - 2 == len(awkward.COPIES)
    for row, (reasons, mode, file_format) in zip(rows[2:], awkward.COPIES.values(), strict=True):
        assert row[1] == f"{file_format}, {MODES[mode]}"
        assert tuple(re.findall(r"`(\w+)`", row[2])) == reasons or "or bytes kept" in row[2]
        assert ("white (clipped)" in row[3]) == (mode == "I;16")


def test_the_loader_of_16_bit_images_keeps_their_values(tmp_path: Path) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    for label in awkward.CLASSES:
        folder = tmp_path / "OUT" / "train" / label
        folder.mkdir(parents=True)
        Image.fromarray(awkward.deep(label, 0)).save(folder / "0.png")
    names: dict[str, object] = {}
    exec(code.replace('"OUT/', f'"{tmp_path.as_posix()}/OUT/'), names)  # noqa: S102 (our own page)
    image, label = names["train"][0]  # type: ignore[index]
    assert label == 0
    assert np.allclose(image * 65535, awkward.deep("ant", 0))
