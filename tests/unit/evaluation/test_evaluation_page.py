"""The page of `evaluate` says the verdict first, loads nothing, and shows what it is given under its own name."""

from __future__ import annotations

import base64
import io
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from evaluation_pages import full_page
from PIL import Image

from vaeaug.evaluation.evaluation_page import EvaluationPage, RecallRow, write_evaluation_page

EVIL = ["<script>alert(1)</script>", "a&amp;b", '"><img src=x onerror=alert(1)>', "日本語", "{{ 7*7 }}", "a\nb"]
VOID = {"meta", "img", "line", "path", "circle", "rect", "use"}


class Page(HTMLParser):
    """What a browser would make of the page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.words.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def read(tmp_path: Path, data: EvaluationPage) -> tuple[Page, str]:
    write_evaluation_page(tmp_path / "report.html", data)
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    page = Page(text)
    assert page.open == []
    return page, text


def test_no_name_becomes_markup_and_nothing_is_loaded(tmp_path: Path) -> None:
    page, text = read(tmp_path, full_page(EVIL))
    assert {tag for tag, _ in page.tags}.isdisjoint({"script", "link", "iframe", "object"})
    assert all(not name.startswith("on") for _, attributes in page.tags for name in attributes)
    for _, attributes in page.tags:
        for name in ("src", "href"):
            assert (attributes.get(name) or "data:").startswith(("data:image/", "#", "data:"))
    assert "url(" not in text
    assert "default-src 'none'" in text
    words = "".join(page.words)
    for name in EVIL:
        # In every table, and as the caption of a map.
        assert words.count(name) >= 8, name
    assert "49" not in re.findall(r">([^<]*7\*7[^<]*)<", text)


def test_the_verdict_comes_first(tmp_path: Path) -> None:
    page, _ = read(tmp_path, full_page(["a", "b"]))
    words = [word.strip() for word in page.words if word.strip()]
    assert words[1:3] == ["a", "helps"]
    assert words[3] == (
        "The synthetic images help: they add +1.4 \N{PLUS-MINUS SIGN}\N{NO-BREAK SPACE}0.5 points of accuracy over "
        "classical augmentation."
    )


def test_a_word_that_the_sentence_begins_with_is_not_said_twice(tmp_path: Path) -> None:
    page, _ = read(tmp_path, EvaluationPage("title", "Undecided: the difference is within the noise.", "undecided"))
    assert "undecided" not in page.words


@pytest.mark.parametrize(
    ("decision", "tone"),
    [("helps", "good"), ("harms", "bad"), ("does not help", "bad"), ("undecided", "undecided"), ("?", "undecided")],
)
def test_the_verdict_is_coloured_by_what_it_says(tmp_path: Path, decision: str, tone: str) -> None:
    page, _ = read(tmp_path, full_page(["a"], decision))
    assert f"verdict {tone}" in [attributes.get("class") for attributes in page.all("div")]


def test_pairs_are_the_pixels_side_by_side(tmp_path: Path) -> None:
    data = full_page(["a", "b"])
    page, _ = read(tmp_path, data)
    shown = []
    for attributes in page.all("img")[: 2 * len(data.pairs)]:
        encoded = (attributes["src"] or "").partition("base64,")[2]
        with Image.open(io.BytesIO(base64.b64decode(encoded))) as image:
            shown.append(np.asarray(image)[:, :, None])
        assert attributes["alt"]
    expected = [pixels for pair in data.pairs for pixels in (pair.synthetic_HWC, pair.real_HWC)]
    np.testing.assert_array_equal(shown, expected)


def test_below_each_sample_stands_the_nearest_real_image(tmp_path: Path) -> None:
    data = full_page(["a", "b"])
    page, _ = read(tmp_path, data)
    strips = []
    for attributes in page.all("img")[2 * len(data.pairs) :]:
        with Image.open(io.BytesIO(base64.b64decode((attributes["src"] or "").partition("base64,")[2]))) as image:
            strips.append(np.asarray(image.convert("L")))
    assert len(strips) == 4
    for row, (above, below) in zip(data.samples, zip(strips[::2], strips[1::2], strict=True), strict=True):
        for place in range(8):
            columns = slice(18 * place, 18 * place + 16)  # 16 pixels and a gap of 2
            np.testing.assert_array_equal(above[:, columns], row.synthetic[place][:, :, 0])
            np.testing.assert_array_equal(below[:, columns], row.real[place][:, :, 0])


def test_all_images_are_on_the_map(tmp_path: Path) -> None:
    data = full_page(["a", "b", "c"])
    page, _ = read(tmp_path, data)
    assert data.map is not None
    drawn = [attributes for attributes in page.all("path") if "points" in (attributes.get("class") or "")]
    whole = [(attributes["d"] or "").count("M") for attributes in drawn[:2]]
    assert whole == [len(data.map.real_N2), len(data.map.synthetic_M2)]
    by_class = [(attributes["d"] or "").count("M") for attributes in drawn[2:]]
    assert by_class == [12] * 6
    assert len(page.all("use")) == 3


def test_the_class_that_gains_most_comes_first_and_one_without_test_images_is_left_out(tmp_path: Path) -> None:
    data = EvaluationPage(
        "t",
        "v",
        "helps",
        recall=[
            RecallRow("loses", 9, 0.5, 0.4),
            RecallRow("gains", 9, 0.5, 0.75),
            RecallRow("untested", 0, float("nan"), float("nan")),
        ],
    )
    _, text = read(tmp_path, data)
    assert text.index("gains") < text.index("loses")
    assert "untested" not in text
    assert "+25.0" in text
    assert "-10.0" in text


def test_what_is_not_known_is_left_out(tmp_path: Path) -> None:
    page, _ = read(tmp_path, EvaluationPage("title", "No answer.", "undecided"))
    assert page.all("h2") == []
    assert page.all("table") == []
    assert page.all("svg") == []


def test_figures_are_those_of_the_measurements(tmp_path: Path) -> None:
    data = full_page(["a", "b"])
    assert data.fidelity is not None
    assert data.memorisation is not None
    _, text = read(tmp_path, data)
    assert f">{data.fidelity.overall.fid:.1f}<" in text
    assert data.fidelity.held_out is not None
    assert f">{data.fidelity.held_out.coverage:.2f}<" in text
    assert f">{100 * data.memorisation.by_class['b'].authenticity:.1f} %<" in text


def test_many_classes_are_folded_away(tmp_path: Path) -> None:
    few, _ = read(tmp_path, full_page(["a", "b"]))
    many, text = read(tmp_path, full_page([f"class {number}" for number in range(40)]))
    assert len(few.all("details")) == 1  # what the figures mean
    assert len(many.all("details")) == 7
    assert len(text) < 400_000


def test_the_same_data_give_the_same_page(tmp_path: Path) -> None:
    assert read(tmp_path, full_page(EVIL))[1] == read(tmp_path, full_page(EVIL))[1]
