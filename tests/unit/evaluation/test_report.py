"""The report is one file that loads nothing, shows every class under its own name, and stays small."""

from __future__ import annotations

import base64
import io
import math
import re
from pathlib import Path

import numpy as np
import pytest
from evaluation_pages import history
from html_pages import EVIL, Page
from numpy.typing import NDArray
from PIL import Image

from vaeaug.evaluation.chart import Line, line_chart, sparkline
from vaeaug.evaluation.contact_sheet import contact_sheet
from vaeaug.evaluation.report import ReportData, write_report
from vaeaug.evaluation.strip import GAP, ContactRow, strip
from vaeaug.evaluation.training_curves import History
from vaeaug.export.card import ClassCount
from vaeaug.export.origin import Edited


def noise(count: int, height: int, width: int, channels: int, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (count, height, width, channels), dtype=np.uint8)


def page(tmp_path: Path, data: ReportData) -> tuple[Page, str]:
    write_report(tmp_path / "report.html", data)
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    parsed = Page(text)
    assert parsed.open == []
    return parsed, text


def full_data(labels: list[str]) -> ReportData:
    return ReportData(
        title="<b>out</b>",
        summary="2,000 synthetic images were added.",
        counts=[ClassCount(label, 1200, 500, test=7) for label in labels],
        contact=[ContactRow(label, noise(8, 28, 28, 1), noise(3, 28, 28, 1)) for label in labels],
        histories=[history(label) for label in labels],
        units=dict.fromkeys(labels, (3, 16)),
        facts={label: label for label in labels},
        settings={label: label for label in labels},
        command="vaeaug augment 'a<b' out",
        warnings=labels,
    )


def test_no_name_becomes_markup_and_each_is_shown_as_it_is(tmp_path: Path) -> None:
    parsed, _ = page(tmp_path, full_data(EVIL))
    assert parsed.all("script") == parsed.all("b") == []
    words = "\n".join(parsed.words)
    assert all(label in words for label in (*EVIL, "<b>out</b>", "vaeaug augment 'a<b' out"))
    assert "49" not in re.findall(r"\b49\b", words)
    assert all("onerror" not in attributes for _, attributes in parsed.tags)


def test_nothing_is_loaded_from_anywhere(tmp_path: Path) -> None:
    parsed, text = page(tmp_path, full_data(["cat"]))
    for _, attributes in parsed.tags:
        assert (attributes.get("src") or "data:").startswith("data:image/") if "src" in attributes else True
        assert "href" not in attributes
    assert "url(" not in text
    assert "@import" not in text
    assert any("default-src 'none'" in (meta.get("content") or "") for meta in parsed.all("meta"))


def test_it_can_be_read_aloud(tmp_path: Path) -> None:
    parsed, _ = page(tmp_path, full_data(["cat", "dog"]))
    assert parsed.all("html")[0]["lang"] == "en"
    assert len(parsed.all("h1")) == len(parsed.all("main")) == 1
    assert [image["alt"] for image in parsed.all("img")] == [
        "8 real images of cat", "3 synthetic images of cat", "8 real images of dog", "3 synthetic images of dog",
    ]  # fmt: skip
    drawings = parsed.all("svg")
    assert all(drawing["role"] == "img" for drawing in drawings)
    assert drawings[0]["aria-label"] == "Objective of cat: training from 305 to 20.8; validation from 406 to 387"
    assert {header["scope"] for header in parsed.all("th") if "scope" in header} == {"col", "row"}


def test_the_pictures_are_the_pixels_of_the_images(tmp_path: Path) -> None:
    real, synthetic = noise(5, 10, 14, 3), noise(2, 10, 14, 3, seed=1)
    counts = [ClassCount("cat", 5, 2)]
    parsed, _ = page(tmp_path, ReportData("out", "Done.", counts, [ContactRow("cat", real, synthetic)]))
    for image, images in zip(parsed.all("img"), (real, synthetic), strict=True):
        kind, data = (image["src"] or "").split(",")
        assert kind == "data:image/png;base64"
        picture = np.asarray(Image.open(io.BytesIO(base64.b64decode(data))))
        for number, pixels in enumerate(images):
            left = number * (14 + GAP)
            assert np.array_equal(picture[:, left : left + 14, :3], pixels)
        assert image["class"] == "enlarged"  # shown at four times its size, pixel for pixel
        assert int(image["width"] or 0) == picture.shape[1] * 4


@pytest.mark.parametrize("nearest", [False, True])
def test_changed_real_images_are_said_to_show_them(tmp_path: Path, nearest: bool) -> None:
    def text(edited: Edited | None) -> str:
        contact = [ContactRow("cat", noise(2, 8, 8, 1), noise(2, 8, 8, 1))]
        data = ReportData("out", "Done.", [ClassCount("cat", 2, 2)], contact, nearest=nearest, edited=edited)
        return " ".join(" ".join(page(tmp_path, data)[0].words).split())

    told = text(Edited(4))
    assert "Each synthetic image is a real one, changed as others of its class differ, with detail of up to 4" in told
    assert "It still shows much of its source" in told
    assert "differ. It still shows" in text(Edited(0))
    assert "its source" not in text(None)


def test_counts_are_told_before_and_after(tmp_path: Path) -> None:
    parsed, _ = page(
        tmp_path, ReportData("out", "Done.", [ClassCount("cat", 1200, 500, 0, 7), ClassCount("dog", 1, 0)])
    )
    cells = [word.strip() for word in parsed.words if word.strip()]
    place = cells.index("cat")
    assert cells[place : place + 10] == ["cat", "1,200", "500", "1,700", "7", "dog", "1", "0", "1", "0"]
    assert "Val" not in cells


@pytest.mark.parametrize(("side", "channels"), [(28, 1), (96, 3)])
def test_a_page_of_a_hundred_classes_stays_under_a_megabyte(tmp_path: Path, side: int, channels: int) -> None:
    # Noise is the worst case: nothing compresses it.
    labels = [f"class {number}" for number in range(100)]
    images = noise(8, side, side, channels)
    data = ReportData(
        "out",
        "Done.",
        [ClassCount(label, 100, 400) for label in labels],
        [ContactRow(label, images, images) for label in labels],
        [history(label, steps=500) for label in labels],
    )
    parsed, text = page(tmp_path, data)
    assert len(text.encode()) < 1_000_000
    assert len(parsed.all("img")) == 200
    assert len(parsed.all("svg")) == 200  # the objective and the KL divergence of each
    assert len(parsed.all("details")) == 3


def test_the_same_data_give_the_same_page_and_an_empty_one_is_a_page(tmp_path: Path) -> None:
    _, first = page(tmp_path, full_data(["cat"]))
    _, second = page(tmp_path, full_data(["cat"]))
    assert first == second
    parsed, _ = page(tmp_path, ReportData("out", "Nothing was added.", []))
    assert parsed.all("h2") == parsed.all("table") == parsed.all("svg") == []
    page(tmp_path, ReportData("out", "Done.", [], [ContactRow("cat", [], [])], [History("shared", [])]))


def test_one_training_is_drawn_term_by_term(tmp_path: Path) -> None:
    parsed, _ = page(
        tmp_path, ReportData("out", "Done.", [], histories=[history("shared")], units={"shared": (13, 16)})
    )
    words = " ".join(parsed.words)
    assert all(title in words for title in ("Objective", "Reconstruction", "KL divergence", "13 of 16"))
    assert len(parsed.all("svg")) == 3


def test_of_several_trainings_each_shows_its_objective_and_its_kl(tmp_path: Path) -> None:
    both = [history("cat"), ladder("dog", [9.0, 4.0])]
    data = ReportData("out", "Done.", [], histories=both, units={"cat": (3, 16)})
    parsed, text = page(tmp_path, data)
    assert re.findall(r"<h3>(.*?)</h3>", text) == ["Objective", "KL divergence"]
    assert re.findall(r"<small>([^<]*)</small></figure>", text) == ["387", "53", "6, 3 of 16 units", "7"]
    assert [drawing["aria-label"] for drawing in parsed.all("svg")][2:] == [
        "KL divergence of cat: training from 5 to 5; validation from 6 to 6",
        "KL divergence of dog: validation from 12 to 7",
    ]
    without = [History(name, [{"step": 1, "train": {"mse": 2.0}}]) for name in "ab"]
    _, text = page(tmp_path, ReportData("out", "Done.", [], histories=without, units={"a": (3, 16)}))
    assert re.findall(r"<small>([^<]*)</small></figure>", text) == ["2, 3 of 16 units", "2"]


def ladder(name: str, tops: list[float]) -> History:
    return History(
        name,
        [
            {"step": step, "train": {}, "validation": {"reconstruction": 50.0 - top, "kl/<i>": top, "kl/2": 3.0}}
            for step, top in enumerate(tops)
        ],
    )


def test_groups_of_latents_show_their_kl_where_the_weights_were_kept(tmp_path: Path) -> None:
    worse = {"step": 9, "train": {}, "validation": {"reconstruction": 90.0, "kl/<i>": 77.0, "kl/2": 3.0}}
    cat = History("cat", [*ladder("cat", [9.0]).rows, worse])
    data = ReportData("out", "Done.", [], histories=[cat, ladder(EVIL[0], [1.0]), history("dog")])
    parsed, _ = page(tmp_path, data)
    cells = [word.strip() for word in parsed.words if word.strip()]
    place = cells.index("Training")
    assert cells[place : place + 9] == ["Training", "Group <i>", "Group 2", "cat", "9.0", "3.0", EVIL[0], "1.0", "3.0"]
    widths = [re.findall(r"[\d.]+", tag["style"] or "") for tag in parsed.all("i")]
    assert widths == [["75.00"], ["25.00"], ["25.00"], ["75.00"]]  # of all the KL, for whoever sees the bars


def test_groups_without_validation_show_the_last_step_and_one_kl_needs_no_table(tmp_path: Path) -> None:
    rows = [{"step": step, "train": {"kl/1": 2.0 * step, "kl/2": math.nan}} for step in range(3)]
    parsed, _ = page(tmp_path, ReportData("out", "Done.", [], histories=[History("shared", rows)]))
    words = [word.strip() for word in parsed.words if word.strip()]
    assert words[words.index("Group 2") + 1 :][:2] == ["shared", "4.0"]
    assert "KL divergence of group 1" in words
    parsed, _ = page(tmp_path, ReportData("out", "Done.", [], histories=[history("shared"), history("cat")]))
    assert not any("Group" in word for word in parsed.words)


def test_values_that_are_not_finite_are_gaps() -> None:
    line = Line("training", [0, 1, 2, 3, 4], [1.0, 2.0, math.nan, math.inf, 3.0], "train")
    path = re.search(r' d="([^"]*)"', line_chart("Loss", [line], x_label="steps"))
    assert path is not None
    assert re.sub(r"[^ML]", "", path[1]) == "MLM"
    assert "nan" not in line_chart("Loss", [line], x_label="steps")
    assert "Nothing was recorded" in line_chart("Loss", [Line("training", [0], [math.nan], "train")], x_label="steps")
    assert sparkline("Loss", []) == ""


@pytest.mark.parametrize("values", [[5.0], [5.0, 5.0], [0.0, 0.0], [1e9, 1.0, 0.5], [-3.0, -4.0], [1e-12, 2e-12]])
def test_any_curve_fits_its_frame(values: list[float]) -> None:
    drawing = line_chart("Loss", [Line("training", list(range(len(values))), values, "train")], x_label="steps")
    path = re.search(r' d="([^"]*)"', drawing)
    assert path is not None
    points = [tuple(map(float, point.split())) for point in re.split("[ML]", path[1])[1:]]
    assert len(points) == len(values)
    assert all(52 <= x <= 408 for x, _ in points)
    assert all(y <= 182.01 for _, y in points)
    assert points[-1][1] >= 12


def test_a_strip_keeps_proportions_and_mode() -> None:
    gray = strip([noise(1, 8, 8, 1)[0], noise(1, 4, 8, 1)[0]], (8, 8), 3)
    assert (gray.mode, gray.size) == ("LA", (3 * 8 + 2 * GAP, 8))
    alpha = np.asarray(gray)[:, :, 1]
    assert alpha[:, :8].all()  # the first image
    assert not alpha[:, 8:10].any()  # the gap
    assert alpha[:, 10:18].sum() == 4 * 8 * 255  # half as high
    assert alpha[2:6, 10:18].all()  # centred
    assert not alpha[:, 18:].any()  # no third image
    assert strip([noise(1, 100, 50, 3)[0]], (20, 20), 1).getchannel("A").getbbox() == (5, 0, 15, 20)


def test_the_contact_sheet_shows_real_images_left_and_synthetic_ones_right_in_whole_pixels() -> None:
    real, synthetic = np.full((2, 28, 28, 1), 10, np.uint8), np.full((2, 28, 28, 1), 200, np.uint8)
    sheet = contact_sheet([ContactRow("cat", real, synthetic)], columns=2)
    assert sheet.mode == "RGB"
    pixels = np.asarray(sheet)
    dark, bright = (np.argwhere((pixels == value).all(axis=2)) for value in (10, 200))
    assert len(dark) == len(bright) == 2 * 56 * 56  # enlarged twice, nothing interpolated
    assert dark[:, 1].max() < bright[:, 1].min()


def test_the_contact_sheet_takes_any_label_and_number_of_images() -> None:
    rows = [
        ContactRow("x" * 500, noise(20, 64, 48, 3), []),
        ContactRow("日本語\n\0", noise(1, 8, 300, 1), noise(3, 9, 9, 3)),
    ]
    assert contact_sheet(rows).width < 1600
