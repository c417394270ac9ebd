"""`vaeaug evaluate` at the command line."""

from __future__ import annotations

import json
from pathlib import Path

import evaluate_data
import pytest
import tiny_data
from click.testing import CliRunner
from machine_faults import interrupt, on_disk

from vaeaug.cli import cli

QUICK = [
    "--steps",
    "3",
    "--seeds",
    "3",
    "--workers",
    "1",
    "--flip",
    "no",
    "--classical",
    "full",
    "--arms",
    "real,synthetic",
]


@pytest.fixture
def places(tmp_path: Path) -> list[str]:
    real = evaluate_data.write_real(tmp_path / "real")
    synthetic = evaluate_data.write_synthetic(tmp_path / "synthetic", {"ant": 6, "bee": 7})
    return [str(real), str(synthetic)]


def run(*words: str) -> tuple[str, str]:
    done = CliRunner().invoke(cli, ["evaluate", *words], catch_exceptions=False)
    assert done.exit_code == 0
    return done.stdout, done.stderr


def test_the_table_and_the_verdict_are_for_people(places: list[str], tmp_path: Path) -> None:
    out, err = run(*places, *QUICK, "--out", str(tmp_path / "out"))
    assert out == ""
    assert "Training classifiers" in err
    lines = err.splitlines()
    assert any(line.split()[:1] == ["synthetic"] and "+-" in line for line in lines)
    assert "against real" in err
    assert "3 seeds, 10 test images" in lines[-2]
    assert "report.html" in lines[-1]


def test_two_seeds_give_no_interval_and_it_says_why(places: list[str], tmp_path: Path) -> None:
    _, err = run(*places, *QUICK, "--seeds", "2", "--out", str(tmp_path / "out"))
    assert "+-" not in err
    assert "no intervals and no verdict: 2 seeds are too few" in err
    assert "2 seeds, 10 test images are too few for an interval: run with --seeds 3 or more" in err
    page = (tmp_path / "out/report.html").read_text(encoding="utf-8")
    assert "\N{PLUS-MINUS SIGN}" not in page
    assert "no intervals and no verdict" in page
    assert "95 % interval" not in page


def test_no_name_is_cut_where_the_terminal_is_narrow(places: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    _, err = run(*places, *QUICK[:-1], "classical,classical+synthetic")
    assert "classical+synthetic " in err
    assert "\N{HORIZONTAL ELLIPSIS}" not in err


def test_json_stands_alone_on_stdout(places: list[str]) -> None:
    out, _ = run(*places, *QUICK, "--json")
    values = json.loads(out)
    assert values["out"] is None
    assert values["decision"] in ("helps", "harms", "does not help", "undecided")
    assert values["settings"]["steps"] == 3


def test_a_long_tail_is_balanced_and_its_rivals_are_told(tmp_path: Path) -> None:
    """Classes of 12, 4 and 2 images, filled up to 12."""
    for label, count in {"ant": 12, "bee": 4, "cat": 2}.items():
        evaluate_data.write_images(tmp_path / "real/train" / label, label, 0, count)
        evaluate_data.write_images(tmp_path / "real/test" / label, label, 100, 4)
    synthetic = evaluate_data.write_synthetic(tmp_path / "synthetic", {"bee": 8, "cat": 10})
    quick = [*QUICK[: QUICK.index("--arms")], "--steps", "3"]
    out, _ = run(str(tmp_path / "real"), str(synthetic), *quick, "--json")
    values = json.loads(out)
    assert values["metric"] == "balanced-accuracy"
    balancing = {"oversampled", "smote", "weighted", "deferred"}
    assert balancing < values["arms"].keys()
    assert values["rivals"].keys() == {"classical", *balancing}
    assert "synthetic-only" not in values["arms"]  # there are none of ant
    _, err = run(str(tmp_path / "real"), str(synthetic), *quick)
    assert all(any(line.split()[:1] == [name] for line in err.splitlines()) for name in balancing)
    assert "points of balanced accuracy" in err


def test_quiet_is_silent(places: list[str]) -> None:
    assert run(*places, *QUICK, "-q") == ("", "")


@pytest.mark.parametrize(("out", "advice"), [([], "Interrupted.\n"), (["--out", "OUT"], "; add --resume to")])
def test_an_interrupted_run_is_told_to_resume_only_where_it_left_something(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], out: list[str], advice: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("REAL", "SYNTHETIC"):
        tiny_data.write_dataset(tmp_path / name, {"ant": 2, "bee": 2})
    with on_disk("read", "*.png", interrupt()):
        assert tiny_data.run("evaluate", "REAL", "SYNTHETIC", *out) == 130
    assert advice in capsys.readouterr().err
