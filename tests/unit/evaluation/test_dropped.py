"""The table of dropped samples adds up."""

from __future__ import annotations

from pathlib import Path

from vaeaug.evaluation.dropped import dropped_table
from vaeaug.evaluation.report import ReportData, write_report
from vaeaug.export.card import ClassCount

DROPPED = {"b": {"near copy": 1, "another class": 9}, "a": {"another class": 10}, "whole": {}}
KEPT = {"a": 90, "b": 0, "whole": 100}


def test_it_adds_up_and_names_the_most_frequent_cause_first() -> None:
    table = dropped_table(DROPPED, KEPT)
    assert table is not None
    assert table.causes == ["another class", "near copy"]
    assert [(row.label, row.counts, row.total, row.share) for row in table.rows] == [
        ("a", [10, 0], 10, 0.1),
        ("b", [9, 1], 10, 1.0),
    ]
    assert (table.overall.counts, table.overall.total, table.drawn) == ([19, 1], 20, 210)
    assert table.overall.share == 20 / 210


def test_there_is_none_where_nothing_was_dropped() -> None:
    assert dropped_table({}, KEPT) is None
    assert dropped_table({"a": {}, "b": {"near copy": 0}}, KEPT) is None


def test_the_report_of_augment_shows_it(tmp_path: Path) -> None:
    counts = [ClassCount(label, 10, kept) for label, kept in KEPT.items()]
    write_report(tmp_path / "report.html", ReportData("t", "s", counts, dropped=DROPPED))
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "20 of the 210 samples" in text
    assert "Another class" in text
    write_report(tmp_path / "report.html", ReportData("t", "s", counts))
    assert "What was dropped" not in (tmp_path / "report.html").read_text(encoding="utf-8")
