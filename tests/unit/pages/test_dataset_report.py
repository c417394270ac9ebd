"""The report is one file that loads nothing, shows every class under its own name, and stays small."""

from __future__ import annotations

import base64
import io
import math
import re
from pathlib import Path

import numpy as np
import pytest
from evaluation_pages import history, page_images
from html_pages import EVIL, Page
from numpy.typing import NDArray
from PIL import Image

from vaeaug.export.card import ClassCount
from vaeaug.export.synthesis_method import Edited
from vaeaug.pages.class_samples import SampleRow
from vaeaug.pages.dataset_report import ReportData, write_report
from vaeaug.pages.training_curves import History

CURVE = r'class="line line-train[^"]*" d="([^"]*)"/></svg>'


def charts(parsed: Page) -> list[dict[str, str | None]]:
    return [drawing for drawing in parsed.all("svg") if drawing.get("role") == "img"]


def noise(count: int, height: int, width: int, channels: int, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (count, height, width, channels), dtype=np.uint8)


def sample_row(label: str, synthetic: NDArray[np.uint8], real: NDArray[np.uint8]) -> SampleRow:
    return SampleRow(label, page_images(synthetic), page_images(real), synthetic_count=500, real_count=len(real))


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
        samples=[sample_row(label, noise(3, 28, 28, 1), noise(8, 28, 28, 1)) for label in labels],
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
        assert (attributes.get("href") or "#").startswith("#")
    assert "url(" not in text
    assert "@import" not in text
    assert any("default-src 'none'" in (meta.get("content") or "") for meta in parsed.all("meta"))


def test_it_can_be_read_aloud(tmp_path: Path) -> None:
    parsed, _ = page(tmp_path, full_data(["cat", "dog"]))
    assert parsed.all("html")[0]["lang"] == "en"
    assert len(parsed.all("h1")) == len(parsed.all("main")) == 1
    assert [image["alt"] for image in parsed.all("img")] == [
        f"{kind} image {number} of {label}"
        for label in ("cat", "dog")
        for kind, count in (("synthetic", 3), ("real", 7))
        for number in range(1, count + 1)
    ]
    drawings = charts(parsed)
    assert drawings[0]["aria-label"] == "Objective of cat: training from 305 to 20.8; validation from 406 to 387"
    assert {header["scope"] for header in parsed.all("th") if "scope" in header} == {"col", "row"}


def test_the_pictures_are_the_pixels_of_the_images(tmp_path: Path) -> None:
    real, synthetic = noise(5, 10, 14, 3), noise(2, 10, 14, 3, seed=1)
    counts = [ClassCount("cat", 5, 2)]
    parsed, _ = page(tmp_path, ReportData("out", "Done.", counts, [sample_row("cat", synthetic, real)]))
    for image, pixels in zip(parsed.all("img"), (*synthetic, *real), strict=True):
        kind, data = (image["src"] or "").split(",")
        assert kind == "data:image/png;base64"
        assert np.array_equal(np.asarray(Image.open(io.BytesIO(base64.b64decode(data)))), pixels)
        assert "enlarged" in (image["class"] or "").split()
        assert (image["width"], image["height"]) == ("154", "110")  # the largest whole factor up to 160 pixels


@pytest.mark.parametrize("nearest", [False, True])
def test_changed_real_images_are_said_to_show_them(tmp_path: Path, nearest: bool) -> None:
    def text(edited: Edited | None) -> str:
        rows = [sample_row("cat", noise(2, 8, 8, 1), noise(2, 8, 8, 1))]
        data = ReportData("out", "Done.", [ClassCount("cat", 2, 2)], rows, nearest=nearest, edited=edited)
        return " ".join(" ".join(page(tmp_path, data)[0].words).split())

    told = text(Edited(4))
    assert "a real one, varied along the directions in which its class varies, with detail of up to 4" in told
    assert "It still resembles its source" in told
    assert "its class varies. It still resembles" in text(Edited(0))
    assert "its source" not in text(None)


def test_counts_are_told_before_and_after(tmp_path: Path) -> None:
    parsed, _ = page(
        tmp_path, ReportData("out", "Done.", [ClassCount("cat", 1200, 500, 0, 7), ClassCount("dog", 1, 0)])
    )
    cells = [word.strip() for word in parsed.words if word.strip()]
    place = cells.index("cat")
    assert cells[place : place + 10] == ["cat", "1,200", "500", "1,700", "7", "dog", "1", "0", "1", "0"]
    assert "Val" not in cells


@pytest.mark.parametrize(("side", "channels"), [(28, 1), (200, 3)])
def test_a_page_of_a_hundred_classes_stays_small(tmp_path: Path, side: int, channels: int) -> None:
    # Noise is the worst case: nothing compresses it.
    labels = [f"class {number}" for number in range(100)]
    images = noise(4, side, side, channels)
    data = ReportData(
        "out",
        "Done.",
        [ClassCount(label, 100, 400) for label in labels],
        [sample_row(label, images, images) for label in labels],
        [history(label, steps=500) for label in labels],
    )
    parsed, text = page(tmp_path, data)
    assert len(text.encode()) < 4_500_000
    assert len(parsed.all("img")) == 8 * 100
    assert len(charts(parsed)) == 200  # the objective and the KL divergence of each
    folded = [details for details in parsed.all("details") if "open" not in details]
    assert len(folded) == 1  # the table of counts: no image is hidden


def test_the_same_data_give_the_same_page_and_an_empty_one_is_a_page(tmp_path: Path) -> None:
    _, first = page(tmp_path, full_data(["cat"]))
    _, second = page(tmp_path, full_data(["cat"]))
    assert first == second
    parsed, _ = page(tmp_path, ReportData("out", "Nothing was added.", []))
    assert parsed.all("h2") == parsed.all("table") == parsed.all("svg") == []
    page(tmp_path, ReportData("out", "Done.", [], [SampleRow("cat", [], [], 0)], [History("shared", [])]))


def test_one_training_is_drawn_term_by_term(tmp_path: Path) -> None:
    parsed, _ = page(
        tmp_path, ReportData("out", "Done.", [], histories=[history("shared")], units={"shared": (13, 16)})
    )
    words = " ".join(parsed.words)
    assert all(title in words for title in ("Objective", "Reconstruction", "KL divergence", "13 of 16"))
    assert len(charts(parsed)) == 3
    assert words.count("training step") == 3
    assert words.count("loss per image") == 2
    assert words.count("nats per image") == 1


def test_of_several_trainings_each_shows_its_objective_and_its_kl(tmp_path: Path) -> None:
    both = [history("cat"), ladder("dog", [9.0, 4.0])]
    data = ReportData("out", "Done.", [], histories=both, units={"cat": (3, 16)})
    parsed, text = page(tmp_path, data)
    assert re.findall(r"<h3>(.*?)</h3>", text) == ["Objective", "KL divergence"]
    assert re.findall(r"<small>([^<]*)</small></figure>", text) == ["3 of 16 latent dimensions in use"]
    assert [drawing["aria-label"] for drawing in charts(parsed)][2:] == [
        "KL divergence of cat: training from 5 to 5; validation from 6 to 6",
        "KL divergence of dog: validation from 12 to 7",
    ]
    without = [History(name, [{"step": 1, "train": {"mse": 2.0}}]) for name in "ab"]
    _, text = page(tmp_path, ReportData("out", "Done.", [], histories=without, units={"a": (3, 16)}))
    assert text.index("3 of 16 latent dimensions in use") < text.index("Objective of b")


def test_the_kl_is_what_the_training_recorded_as_annealed_and_not_a_name(tmp_path: Path) -> None:
    terms = {"reconstruction": 40.0, "total_correlation": 2.0, "kl_of_nothing": 1.5, "kl": 1.0}
    rows = [{"step": step, "train": {}, "annealed": list(terms)[1:3], "validation": terms} for step in range(3)]
    parsed, _ = page(tmp_path, ReportData("out", "Done.", [], histories=[History("a", rows), History("b", rows)]))
    labels = [drawing["aria-label"] for drawing in charts(parsed)]
    assert labels[2:] == [f"KL divergence of {name}: validation from 3.5 to 3.5" for name in "ab"]
    parsed, _ = page(tmp_path, ReportData("out", "Done.", [], histories=[History("a", rows)]))
    words = " ".join(parsed.words)
    assert "Total correlation" in words
    assert words.count("nats per image") == 2
    assert words.count("loss per image") == 3  # the objective, the reconstruction, and what is only called kl


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
    place = cells.index("Group <i>")
    assert cells[place - 1 : place + 8] == [
        "Training",
        "Group <i>",
        "Group 2",
        "cat",
        "9.0",
        "3.0",
        EVIL[0],
        "1.0",
        "3.0",
    ]
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
