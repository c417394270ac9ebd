"""The page of completed images marks exactly the missing pixels and shows every completion."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from html_pages import EVIL, Page
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from vaeaug.pages.embedded_images import PageImage
from vaeaug.pages.inpainting_report import CompletionExample, CompletionsPage, write_completions_page


@settings(deadline=None)
@given(
    arrays(np.uint8, st.tuples(st.integers(1, 6), st.integers(1, 6), st.sampled_from([1, 3]))),
    st.integers(0, 2**32 - 1),
)
def test_missing_pixels_are_marked_and_the_others_untouched(original_HWC: np.ndarray, seed: int) -> None:
    missing_HW = np.random.default_rng(seed).random(original_HWC.shape[:2]) < 0.5
    shown = CompletionExample("a.png", "class a", original_HWC, missing_HW, [PageImage(original_HWC)])
    marked_HW3, mask_HW1 = (picture.image.source for picture in shown.pictures()[:2])
    assert (marked_HW3[missing_HW] == [79, 70, 229]).all()
    assert (marked_HW3[~missing_HW] == original_HWC[~missing_HW]).all()
    np.testing.assert_array_equal(mask_HW1[..., 0], np.where(missing_HW, 255, 0))


@pytest.mark.parametrize(
    ("completions", "captions"),
    [(1, ["completed"]), (3, ["completion 0", "completion 1", "completion 2", "standard deviation"])],
)
def test_one_completion_has_no_number_and_several_show_where_they_differ(completions: int, captions: list[str]) -> None:
    image_HW1 = np.zeros((3, 4, 1), np.uint8)
    std_HW = None if completions == 1 else np.array([[0, 5, 10]], np.uint8)
    shown = CompletionExample("a", "a", image_HW1, image_HW1[..., 0] > 0, [PageImage(image_HW1)] * completions, std_HW)
    pictures = shown.pictures()
    assert [picture.caption for picture in pictures] == ["original", "missing", *captions]
    if std_HW is not None:
        assert pictures[-1].image.source.ravel().tolist() == [0, 127, 255]


@pytest.mark.parametrize("name", EVIL)
def test_no_name_becomes_markup(tmp_path: Path, name: str) -> None:
    image_HW1 = np.zeros((3, 4, 1), np.uint8)
    shown = CompletionExample(name, name, image_HW1, image_HW1[..., 0] > 0, [PageImage(image_HW1, name)])
    write_completions_page(tmp_path / "report.html", CompletionsPage(name, name, [shown], 1, {name: name}, [name]))
    page = Page((tmp_path / "report.html").read_text(encoding="utf-8"))
    assert page.open == []
    captions = ("original", "missing", "completed")
    assert [image["alt"] for image in page.all("img")] == [f"{name}, {caption}" for caption in captions]
