"""`docs/how-to/layouts-and-tables.md`: each layout in its tables is read, or refused, as the page says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from dataset_files import gray, save

from vaeaug.dataset.scan import scan
from vaeaug.errors import InputError

PAGE = (Path(__file__).parents[2] / "docs/how-to/layouts-and-tables.md").read_text(encoding="utf-8")
CONTENT = {
    ".txt": "0 0.5 0.5 0.2 0.2\n",
    ".json": '{"images": [], "annotations": []}',
    ".xml": "<annotation/>",
    ".yaml": "nc: 2\n",
    ".csv": "photo,kind\n0.png,a\n",
}


def rows(title: str) -> list[tuple[str, str]]:
    """Return the rows of the table in a section, without its head."""
    section = PAGE.split(f"## {title}\n")[1].split("\n## ")[0]
    found = re.findall(r"^\| (.*) \| (.*) \|$", section, flags=re.MULTILINE)
    assert len(found) > 10
    return found[1:]


def write(layout: str) -> None:
    """Write `data` as the first cell of a row says."""
    number = 0
    for name in re.findall("`([^`]+)`", layout):
        path = Path("data", name)
        images = [path / f"{i}.png" for i in range(3)] if name.endswith("/") else []
        if name.endswith(".png"):
            images = [Path("data", name.replace("N", str(i))) for i in range(3)]
        for image in images:
            number += 1
            save(image, gray(number))
        if not images:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(CONTENT[path.suffix])


@pytest.mark.parametrize(("layout", "classes"), rows("Layouts that are read"))
def test_a_layout_is_read_as_the_page_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, layout: str, classes: str
) -> None:
    monkeypatch.chdir(tmp_path)
    write(layout)
    index = scan(Path("data"))
    by_split = {
        split: ", ".join(label for label, count in index.counts(split).items() if count)
        for split in ("train", "val", "test")
    }
    assert "; ".join(f"{split}: {labels}" for split, labels in by_split.items() if labels) == classes


@pytest.mark.parametrize(("layout", "message"), rows("Layouts that are refused"))
def test_a_layout_is_refused_with_the_message_on_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, layout: str, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    write(layout)
    with pytest.raises(InputError, match=f"^{re.escape(message)}$"):
        scan(Path("data"))
