"""`docs/how-to/features.md`: its blocks run one after the other, and print what they are said to."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

import pytest
from tiny_data import run

PAGE = (Path(__file__).parents[2] / "docs/how-to/features.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(sh|python)\n(.*?)^```$", PAGE, flags=re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Run the whole page once, in this process, and return block -> what it printed."""
    place = tmp_path_factory.mktemp("features")
    printed = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        patch.setattr("datasets.config.HF_DATASETS_CACHE", place / ".hf")
        for language, block in BLOCKS:
            output = io.StringIO()
            with contextlib.redirect_stdout(output):
                if language == "python":
                    exec(block, {})  # noqa: S102 (it is the page that is tested)
                else:
                    for line in block.splitlines():
                        program, *words = line.split()
                        assert program == "vaeaug"
                        assert run(*words) == 0, line
            printed[block] = output.getvalue()
    return printed


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
