"""A report of what was put to the test says the verdict first, loads nothing, and names all as it is called."""

from __future__ import annotations

import base64
import io
import re
from pathlib import Path

import numpy as np
import pytest
from evaluation_pages import full_page, full_part
from html_pages import EVIL, Page
from PIL import Image

from vaeaug.pages.dataset_report import ReportData, write_report
from vaeaug.pages.evaluation_results import EvaluationResults, RecallRow


def read(tmp_path: Path, data: ReportData) -> tuple[Page, str]:
    write_report(tmp_path / "report.html", data)
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    page = Page(text)
    assert page.open == []
    return page, text


def alone(part: EvaluationResults) -> ReportData:
    return ReportData("title", "summary", [], evaluation=part)


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
    together = "+1.4 \N{PLUS-MINUS SIGN} 0.5".replace(" ", "\N{NO-BREAK SPACE}")
    assert words[3] == f"The synthetic images help: they add {together} points of accuracy over classical augmentation."


def test_one_page_has_it_all_in_the_order_in_which_one_asks(tmp_path: Path) -> None:
    _, text = read(tmp_path, full_page(["a", "b"]))
    assert re.findall(r"<h2[^>]*>(.*?)</h2>", text) == [
        "Effect on a classifier",
        "Change per class",
        "Samples",
        "Training images per class",
        "Similarity to the real images",
        "Copies of real images",
        "Embedding map",
        "Dropped samples",
        "Training",
        "Settings",
        "Evaluation settings",
    ]
    assert text.index('class="verdict') < text.index("<h2")
    assert "Images were added." not in text  # the verdict takes its place


def test_a_word_that_the_sentence_begins_with_is_not_said_twice(tmp_path: Path) -> None:
    page, _ = read(tmp_path, alone(EvaluationResults("Undecided: the difference is within the noise.", "undecided")))
    assert "undecided" not in page.words


@pytest.mark.parametrize(
    ("decision", "tone"),
    [("helps", "good"), ("harms", "bad"), ("does not help", "bad"), ("undecided", "undecided"), ("?", "undecided")],
)
def test_the_verdict_is_coloured_by_what_it_says(tmp_path: Path, decision: str, tone: str) -> None:
    page, _ = read(tmp_path, full_page(["a"], decision))
    assert f"verdict {tone}" in [attributes.get("class") for attributes in page.all("div")]


def test_no_variance_is_an_interval_and_none_is_wider_than_all_that_can_be(tmp_path: Path) -> None:
    """A class that both ways recognize alike changes by 0.0 +- 0.0; of one test image nobody knows."""
    halves = {"alike": 0.0, "unknown": None, "wild": 2.7}
    # A mean over seeds may differ in the last bit, which must not show as -0.0.
    rows = [RecallRow(name, 9, 0.3, 0.1 * 3 - 1e-12, half_width) for name, half_width in halves.items()]
    _, text = read(tmp_path, alone(EvaluationResults("Undecided.", "undecided", recall=rows)))
    cells = dict(re.findall(r"<th scope=.row.>(\w+) .*?([+]0[.]0.*?)</td>", text, re.DOTALL))
    shown = {name: re.sub("<[^>]*>", "", cell) for name, cell in cells.items()}
    assert shown == {"alike": "+0.0 ± 0.0", "unknown": "+0.0", "wild": "+0.0 ± 100.0"}


def test_pairs_are_the_pixels_side_by_side(tmp_path: Path) -> None:
    part = full_part(["a", "b"])
    page, _ = read(tmp_path, alone(part))
    shown = []
    for attributes in page.all("img")[2 * 7 * len(part.samples) :]:
        encoded = (attributes["src"] or "").partition("base64,")[2]
        with Image.open(io.BytesIO(base64.b64decode(encoded))) as image:
            shown.append(np.asarray(image)[:, :, None])
        assert attributes["alt"]
    expected = [image.source for pair in part.pairs for image in (pair.synthetic, pair.real)]
    np.testing.assert_array_equal(shown, expected)


def test_below_each_sample_stands_the_nearest_real_image(tmp_path: Path) -> None:
    part = full_part(["a", "b"])
    page, _ = read(tmp_path, alone(part))
    shown = []
    for attributes in page.all("img")[: 2 * 7 * len(part.samples)]:
        with Image.open(io.BytesIO(base64.b64decode((attributes["src"] or "").partition("base64,")[2]))) as image:
            shown.append(np.asarray(image.convert("L")))
    expected = [
        image.source
        for row in part.samples
        for pair in zip(row.synthetic[:7], row.real[:7], strict=True)
        for image in pair
    ]
    np.testing.assert_array_equal(np.asarray(shown)[..., None], expected)


def test_all_images_are_on_the_map(tmp_path: Path) -> None:
    part = full_part(["a", "b", "c"])
    page, _ = read(tmp_path, alone(part))
    assert part.map is not None
    drawn = [attributes for attributes in page.all("path") if "points" in (attributes.get("class") or "")]
    whole = [(attributes["d"] or "").count("M") for attributes in drawn[:2]]
    assert whole == [len(part.map.real_N2), len(part.map.synthetic_M2)]
    by_class = [(attributes["d"] or "").count("M") for attributes in drawn[2:]]
    assert by_class == [12] * 6
    assert len(page.all("use")) == 3


def test_the_class_that_gains_most_comes_first_and_one_without_test_images_is_left_out(tmp_path: Path) -> None:
    part = EvaluationResults(
        "v",
        "helps",
        recall=[
            RecallRow("loses", 9, 0.5, 0.4),
            RecallRow("gains", 9, 0.5, 0.75),
            RecallRow("untested", 0, float("nan"), float("nan")),
        ],
    )
    _, text = read(tmp_path, alone(part))
    assert text.index("gains") < text.index("loses")
    assert "untested" not in text
    assert "+25.0" in text
    assert "-10.0" in text


def test_what_is_not_known_is_left_out(tmp_path: Path) -> None:
    page, _ = read(tmp_path, alone(EvaluationResults("No answer.", "undecided")))
    assert page.all("h2") == []
    assert page.all("table") == []
    assert page.all("svg") == []


def test_figures_are_those_of_the_measurements(tmp_path: Path) -> None:
    part = full_part(["a", "b"])
    assert part.fidelity is not None
    assert part.memorisation is not None
    _, text = read(tmp_path, alone(part))
    assert f">{part.fidelity.overall.fid:.1f}<" in text
    assert part.fidelity.held_out is not None
    assert f">{part.fidelity.held_out.coverage:.2f}<" in text
    assert f">{100 * part.memorisation.by_class['b'].authenticity:.1f} %<" in text


def test_tables_of_many_classes_are_folded_away_and_no_images(tmp_path: Path) -> None:
    few, _ = read(tmp_path, full_page(["a", "b"]))
    many, text = read(tmp_path, full_page([f"class {number}" for number in range(40)]))
    folded = [[details for details in page.all("details") if "open" not in details] for page in (few, many)]
    assert list(map(len, folded)) == [1, 6]  # what the figures mean; the tables
    assert len(many.all("details")) == 6  # no image is in any of them
    assert len(text) < 1_500_000


def test_the_same_data_give_the_same_page(tmp_path: Path) -> None:
    assert read(tmp_path, full_page(EVIL))[1] == read(tmp_path, full_page(EVIL))[1]
