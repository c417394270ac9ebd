"""`docs/tutorial.md`: its blocks run one after the other, as a reader would run them, and do what the text says."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import doc_pages
import pytest

TUTORIAL = (doc_pages.DOCS / "tutorial.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """Run the whole tutorial once; return the folder it ran in, and block -> what it printed."""
    place = tmp_path_factory.mktemp("tutorial")
    session = doc_pages.Session(place, classes=("ankle-boot", "bag", "coat", "sneaker"))
    return place, {block: session.run(language, block) for language, block in doc_pages.blocks(TUTORIAL)}


def output_of(said: dict[str, str], words: str) -> str:
    (found,) = (text for block, text in said.items() if words in block)
    return found


def test_only_shell_and_python_are_marked_as_code() -> None:
    languages = re.findall(r"^```(\w+)$", TUTORIAL, flags=re.MULTILINE)
    assert set(languages) == {"sh", "python"}


def test_it_writes_what_it_promises(read: tuple[Path, dict[str, str]]) -> None:
    place, _ = read
    for name in ("shop-extended", "shop-balanced"):  # a class is full unless its samples were dropped, which is said
        record = json.loads((place / name / "vaeaug.json").read_text())
        for label, count in record["counts"].items():
            assert len(list((place / name / "train" / label).iterdir())) == count["real"] + count["synthetic"]
            most = 200 if name == "shop-extended" else max(c["real"] for c in record["counts"].values()) - count["real"]
            assert count["synthetic"] == most or f"{label} has {count['synthetic']}" in " ".join(record["remarks"])
    with (place / "shop-bags/manifest.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 50
    assert {row["sampler"] for row in rows} == {"posterior"}
    assert all(row["source"].startswith("train/bag/") for row in rows)
    record = json.loads((place / "shop-beta/model.json").read_text())
    assert record["variant"]["options"]["beta"] == 2.0
    assert record["training"]["steps"] == 20


def test_the_classifier_tells_its_two_figures(read: tuple[Path, dict[str, str]]) -> None:
    figures = re.findall(r"(\d+) \D+: (\d\.\d\d)", output_of(read[1], "def accuracy"))
    assert [int(images) for images, _ in figures] == [240, _extended(read[0])]
    assert all(float(share) > 0.5 for _, share in figures)


def _extended(place: Path) -> int:
    """How many training images the extended dataset has: a class that could not be filled has fewer."""
    counts = json.loads((place / "shop-extended/vaeaug.json").read_text())["counts"].values()
    return sum(count["real"] + count["synthetic"] for count in counts)


def test_hugging_face_finds_the_labels(read: tuple[Path, dict[str, str]]) -> None:
    assert "'ankle-boot', 'bag'" in output_of(read[1], "load_dataset")
    assert output_of(read[1], "load_dataset").rstrip().endswith(f"{_extended(read[0])} 40")


def test_an_interrupted_run_is_taken_up(read: tuple[Path, dict[str, str]]) -> None:
    place, said = read
    assert "Interrupted; add --resume" in output_of(said, "timeout --signal=INT")
    assert (place / "shop-long/model.json").exists()
    assert not list(place.glob(".*.partial"))


def test_bad_input_stops_with_the_code_of_the_table(read: tuple[Path, dict[str, str]]) -> None:
    text = output_of(read[1], "broken.png")
    assert "train/bag/broken.png" in text
    assert "exit code 2" in text
    assert not (read[0] / "shop-broken").exists()


def test_python_returns_what_the_comments_say(read: tuple[Path, dict[str, str]]) -> None:
    assert "(16, 28, 28, 1) uint8" in output_of(read[1], "vaeaug.load")


@pytest.mark.parametrize("link", re.findall(r"\]\(([^)#:]+)\)", TUTORIAL))
def test_links_lead_somewhere(link: str) -> None:
    assert (Path(__file__).parents[2] / "docs" / link).exists()
