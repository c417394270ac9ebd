"""`docs/how-to/perceptual-loss.md`: what is marked as code runs, one block after the other, without a download."""

from __future__ import annotations

import re
from pathlib import Path

import doc_pages
import pytest

import vaeaug

PAGE = (doc_pages.DOCS / "how-to/perceptual-loss.md").read_text(encoding="utf-8")


def test_its_blocks_run_and_the_models_need_no_network(tmp_path: Path) -> None:
    session = doc_pages.Session(tmp_path, {"--steps 10": "--steps 3"}, classes=("bag", "shirt"))
    for language, block in doc_pages.blocks(PAGE):
        session.run(language, block)
    (tmp_path / "mine.safetensors").unlink()
    for name in ("shop-mine", "shop-lite0"):
        assert vaeaug.load(tmp_path / name).sample("bag", 2).shape == (2, 28, 28, 1)


@pytest.mark.parametrize("link", re.findall(r"\]\(([^)#:]+)\)", PAGE))
def test_links_lead_somewhere(link: str) -> None:
    assert (Path(__file__).parents[2] / "docs" / "how-to" / link).exists()
