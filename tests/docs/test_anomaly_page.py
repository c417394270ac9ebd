"""`docs/how-to/anomaly-scores.md`: its blocks run one after the other, and find what they are said to."""

from __future__ import annotations

import re
from pathlib import Path

import doc_pages
import pytest

FOLDER = doc_pages.DOCS / "how-to"
PAGE = (FOLDER / "anomaly-scores.md").read_text(encoding="utf-8")


def test_its_blocks_run_one_after_the_other(tmp_path: Path) -> None:
    classes = ("bag", "coat", "sneaker")
    session = doc_pages.Session(tmp_path, {"--steps 300": "--steps 60"}, classes=classes, one_interpreter=True)
    printed = [session.run(language, block) for language, block in doc_pages.blocks(PAGE)]
    assert "(28, 28) True" in printed[2]
    assert "label_surprise" in printed[4]
    assert printed[5].endswith("(4, 28, 28)\n")
    pages = sorted(path.name for path in (tmp_path / "scores").iterdir())
    assert pages == ["README.md", "gallery.html", "maps", "scores.csv", "scores.parquet", "vaeaug.json"]


@pytest.mark.parametrize("link", re.findall(r"\]\(([^)#:]+)\)", PAGE))
def test_links_lead_somewhere(link: str) -> None:
    assert (FOLDER / link).exists()
