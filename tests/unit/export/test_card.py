"""The card says what is there, in YAML that Hugging Face reads and Markdown that no class name breaks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from vaeaug.export.card import CardData, ClassCount, write_card
from vaeaug.export.origin import Drawn, Edited, Filled
from vaeaug.export.record import write_record


def card(tmp_path: Path, counts: list[ClassCount], **more: object) -> str:
    data = CardData("shop: extended #1", counts, {"variant": "cvae", "seed": 0}, **more)  # type: ignore[arg-type]
    write_card(tmp_path / "README.md", data)
    return (tmp_path / "README.md").read_text(encoding="utf-8")


def words(text: str) -> str:
    return " ".join(text.split())


def header(text: str) -> dict[str, object]:
    return yaml.safe_load(text.split("---\n")[1])


def test_the_header_names_the_splits_that_there_are(tmp_path: Path) -> None:
    text = card(tmp_path, [ClassCount("cat", 600, 500, test=20), ClassCount("dog", 0, 500)])
    assert header(text) == {
        "pretty_name": "shop: extended #1",
        "license": "other",
        "task_categories": ["image-classification"],
        "tags": ["synthetic", "data-augmentation", "variational-autoencoder", "vaeaug"],
        "size_categories": ["1K<n<10K"],
        "configs": [
            {
                "config_name": "default",
                "data_files": [{"split": "train", "path": "train/**"}, {"split": "test", "path": "test/**"}],
            }
        ],
    }


@pytest.mark.parametrize(
    ("total", "category"), [(999, "n<1K"), (1000, "1K<n<10K"), (99_999, "10K<n<100K"), (10**7, "10M<n<100M")]
)
def test_size_categories_are_those_of_the_hub(tmp_path: Path, total: int, category: str) -> None:
    assert header(card(tmp_path, [ClassCount("cat", total, 0)]))["size_categories"] == [category]


def test_hugging_face_reads_the_card(tmp_path: Path) -> None:
    hub = pytest.importorskip("huggingface_hub")
    card(tmp_path, [ClassCount("cat", 600, 500)])
    assert hub.DatasetCard.load(tmp_path / "README.md").data.license == "other"


def test_counts_settings_and_warnings_are_told(tmp_path: Path) -> None:
    text = card(
        tmp_path,
        [ClassCount("cat", 1600, 500, val=7), ClassCount("dog", 2, 0)],
        warnings=["Only 2 images of 'dog'."],
    )
    assert "1,602 real and 500 synthetic training images in 2 classes" in text
    assert "| Class | Real | Synthetic | val |\n| --- | ---: | ---: | ---: |\n| cat | 1,600 | 500 | 7 |\n" in text
    assert "| variant | cvae |" in text
    assert "> - Only 2 images of 'dog'." in text
    assert "Validate on real images only: `val` contains no others." in text
    assert "percent-encoded" not in text


def test_drawn_images_are_said_to_be_drawn(tmp_path: Path) -> None:
    text = words(card(tmp_path, [ClassCount("cat", 3, 4)]))
    assert "were drawn by a variational > autoencoder" in text
    assert "source type `trainedAlgorithmicMedia`" in text
    assert "and may hold for what was learned from them." in text
    assert "changed" not in text


def test_changed_real_images_are_said_to_show_them(tmp_path: Path) -> None:
    text = words(card(tmp_path, [ClassCount("cat", 3, 4)], origin=Edited(4)))
    assert "not photographs of anything" not in text
    assert "were drawn" not in text
    assert "Files named `synthetic-*` are real images of the training set, changed as > others of their" in text
    assert "detail of up to 4 other real images, which are not named, is in each" in text
    assert "Each still shows much of its > source, which `manifest.csv` names under `source`" in text
    assert "the privacy and the licence of the real images hold for them as > for the originals" in text
    assert "source type `trainedAlgorithmicMedia`" in text
    assert "holds for their copies here, and for the synthetic images made of them." in text
    assert "detail of each is its own" in words(card(tmp_path, [ClassCount("cat", 3, 4)], origin=Edited(0)))


def test_real_images_with_filled_holes_are_said_to_be_composites(tmp_path: Path) -> None:
    text = words(card(tmp_path, [ClassCount("cat", 3, 4)], origin=Filled()))
    assert "were drawn" not in text
    assert "holes were cut that a variational autoencoder filled; all around the holes is as it was" in text
    assert "source type `compositeWithTrainedAlgorithmicMedia`" in text
    assert "source type `trainedAlgorithmicMedia`" not in text
    assert "holds for their copies here, and for the synthetic images made of them." in text


def test_the_warning_is_one_quotation(tmp_path: Path) -> None:
    for origin in (Drawn(), Edited(0), Edited(4), Filled()):
        text = card(tmp_path, [ClassCount("cat", 3, 4)], origin=origin, warnings=["Look."])
        (quoted,) = [part for part in text.split("\n\n") if part.startswith(">")]
        assert all(line.startswith("> ") for line in quoted.splitlines())
        assert quoted.splitlines()[-1] == "> - Look."
        assert "\\" not in quoted


def test_a_class_name_cannot_break_the_table_or_become_markup(tmp_path: Path) -> None:
    text = card(tmp_path, [ClassCount("a|b\n<script>[x](y)", 1, 1)])
    assert "| a\\|b \\<script\\>\\[x\\](y) | 1 | 1 |" in text
    assert "percent-encoded" in text


def test_the_record_is_stable_readable_json(tmp_path: Path) -> None:
    record = {"version": "1", "classes": ["é", "b"], "size": (28, 28), "nested": {"z": 1, "a": None}}
    write_record(tmp_path / "vaeaug.json", record)
    text = (tmp_path / "vaeaug.json").read_text(encoding="utf-8")
    assert json.loads(text) == {**record, "size": [28, 28]}
    assert list(json.loads(text)) == list(record)
    assert "é" in text
    with pytest.raises(ValueError, match="JSON"):
        write_record(tmp_path / "bad.json", {"loss": float("nan")})
    assert not (tmp_path / "bad.json").exists()
