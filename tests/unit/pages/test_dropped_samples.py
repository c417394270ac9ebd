"""The table of dropped samples adds up, and some of them are shown."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from evaluation_pages import page_images
from html_pages import Page

from vaeaug.export.card import ClassCount
from vaeaug.pages.dataset_report import ReportData, write_report
from vaeaug.pages.dropped_samples import MAX_CLASSES, dropped_table
from vaeaug.pages.embedded_images import PageImage

DROPPED = {"b": {"near copy": 1, "another class": 9}, "a": {"another class": 10}, "whole": {}}
KEPT = {"a": 90, "b": 0, "whole": 100}


def test_it_adds_up_and_names_the_most_frequent_cause_first() -> None:
    table = dropped_table(DROPPED, KEPT)
    assert table is not None
    assert table.causes == ["another class", "near copy"]
    assert [(row.label, row.counts, row.total, row.fraction) for row in table.rows] == [
        ("a", [10, 0], 10, 0.1),
        ("b", [9, 1], 10, 1.0),
    ]
    assert (table.overall.counts, table.overall.total, table.drawn) == ([19, 1], 20, 210)
    assert table.overall.fraction == 20 / 210


def test_there_is_none_where_nothing_was_dropped() -> None:
    assert dropped_table({}, KEPT) is None
    assert dropped_table({"a": {}, "b": {"near copy": 0}}, KEPT) is None


def test_the_report_of_augment_shows_it(tmp_path: Path) -> None:
    counts = [ClassCount(label, 10, kept) for label, kept in KEPT.items()]
    write_report(tmp_path / "report.html", ReportData("t", "s", counts, dropped=DROPPED))
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "20 of 210 samples" in text
    assert "Another class" in text
    write_report(tmp_path / "report.html", ReportData("t", "s", counts))
    assert "Dropped samples" not in (tmp_path / "report.html").read_text(encoding="utf-8")


def _noise(count: int, side: int = 10) -> list[PageImage]:
    return page_images(np.random.default_rng(count).integers(0, 256, (count, side, side, 3), dtype=np.uint8))


def _page(tmp_path: Path, data: ReportData) -> tuple[Page, str]:
    write_report(tmp_path / "report.html", data)
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    return Page(text), text


def test_some_are_shown_with_their_class_and_cause(tmp_path: Path) -> None:
    counts = [ClassCount(label, 10, kept) for label, kept in KEPT.items()]
    rejected = {
        "b": {"near copy": _noise(1), "another class": _noise(4)},
        "a": {"another class": _noise(2), "near copy": []},
    }
    page, text = _page(tmp_path, ReportData("t", "s", counts, dropped=DROPPED, rejected=rejected))
    assert [image["alt"] for image in page.all("img")] == [
        *(f"dropped sample {number} of a: another class" for number in (1, 2)),
        *(f"dropped sample {number} of b: another class" for number in range(1, 5)),
        "dropped sample 1 of b: near copy",
    ]
    assert [word for word in page.words if "shown" in word or "1 image" in word] == [
        "2 of 10 shown", "4 of 9 shown", "1 image",
    ]  # fmt: skip
    assert "classes shown" not in text
    page, text = _page(tmp_path, ReportData("t", "s", counts, dropped=DROPPED))
    assert page.all("img") == []
    assert "Examples of dropped samples" not in text


def test_of_many_classes_those_are_shown_that_lost_most(tmp_path: Path) -> None:
    names = [f"<{number:02}>" for number in range(40)]
    data = ReportData(
        "t",
        "s",
        [ClassCount(name, 10, 100) for name in names],
        dropped={name: {"another class": number + 1, "near copy": 4} for number, name in enumerate(names)},
        rejected={name: {"another class": _noise(4, 96), "near copy": _noise(4, 96)} for name in names},
    )
    page, text = _page(tmp_path, data)
    shown = [image["alt"] or "" for image in page.all("img")]
    assert {alt.split(": ")[0].rpartition(" ")[2] for alt in shown} == set(names[-MAX_CLASSES:])
    assert len(shown) == 2 * 4 * MAX_CLASSES
    assert f"{MAX_CLASSES} of 40 classes shown" in text
    assert len(text) < 1_300_000  # of noise, which nothing compresses
