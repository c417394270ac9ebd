"""`docs/how-to/features.md`: its blocks run one after the other, and print what they are said to."""

from __future__ import annotations

import doc_pages
import pytest

PAGE = (doc_pages.DOCS / "how-to/features.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Run the whole page once, and return block -> what it printed."""
    session = doc_pages.Session(tmp_path_factory.mktemp("features"))
    return {block: session.run(language, block) for language, block in doc_pages.blocks(PAGE)}


def output_of(said: dict[str, str], words: str) -> str:
    (found,) = (text for block, text in said.items() if words in block)
    return found


def test_pandas_and_polars_read_all_images(said: dict[str, str]) -> None:
    assert "(700, 64)" in output_of(said, ".head(3)")
    assert "(700, 64)" in output_of(said, "import polars")


def test_hugging_face_reads_vectors(said: dict[str, str]) -> None:
    assert output_of(said, "load_dataset") == "ankle-boot (64,)\n"


def test_a_probe_tells_clothes_apart(said: dict[str, str]) -> None:
    assert float(output_of(said, "LogisticRegression").split()[-1]) > 0.5


def test_an_image_is_nearest_to_itself(said: dict[str, str]) -> None:
    variant, nearest = output_of(said, "read_schema").splitlines()
    assert variant == "vae [64]"
    assert nearest.startswith("['test/ankle-boot/")  # the first image itself


def test_formats_agree(said: dict[str, str]) -> None:
    assert output_of(said, "train.npz").splitlines()[-1] == "True"
    assert output_of(said, "vaeaug.load") == "(2, 64) (2, 64)\n"
