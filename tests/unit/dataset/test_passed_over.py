"""The line about what a dataset contains and is not used."""

import pytest
from dataset_files import class_folder, save
from hypothesis import given
from hypothesis import strategies as st

from vaeaug.dataset.passed_over import FRAMES, MASKS, STRAY, PassedOver, other_files, summary
from vaeaug.dataset.scan import scan


def test_everything_used_gives_no_line():
    assert summary([]) is None


def test_files_by_suffix_those_that_can_be_read_first():
    names = ["a.txt", "b/c.TXT", "notes.md", "x.heic", "y.heic", "LICENSE"]
    assert summary(other_files(names)) == (
        "not used: 2 .heic (to read them: pip install pillow-heif), 2 .txt, 1 file without a suffix, 1 .md"
    )


@pytest.mark.parametrize(
    "name",
    [
        *("README", "readme.txt", "Read_Me.TXT", "LICENSE", "a/LICENCE.txt", "LICENSE-CC-BY-4.0", "licenses.txt"),
        *(
            "COPYING",
            "notes.md",
            "index.rst",
            "CITATION.cff",
            "paper.bib",
            "NOTICE",
            "Copyright.pdf",
            "terms_of_use.html",
        ),
    ],
)
def test_documentation_alone_is_recorded_and_gives_no_line(name):
    entries = other_files([name])
    assert summary(entries) is None
    assert [entry.record()["files"] for entry in entries] == [[name]]
    assert ".csv" in summary(other_files([name, "labels.csv"]))


@pytest.mark.parametrize("name", ["labels.txt", "readmes.csv", "license.json", "noticeable.txt", "train.txt", "x"])
def test_what_may_hold_data_gives_a_line(name):
    assert summary(other_files(["README.md", name])) is not None


def test_images_that_are_not_used_give_a_line_beside_documentation():
    assert summary([*other_files(["README.md"]), PassedOver(STRAY, ("a.png",))]) is not None


def test_images_are_named_with_the_reason():
    entries = [PassedOver(STRAY, ("a.png",)), PassedOver(MASKS, ("1_mask.png", "2_mask.png"))]
    assert summary([*entries, PassedOver(FRAMES, ("film.gif",))]) == (
        "not used: 1 image outside class folders ('a.png'), 2 images that are masks of other images ('1_mask.png', "
        "'2_mask.png'), all but the first page or frame of 1 file ('film.gif')"
    )


@given(st.lists(st.text("abc./", min_size=1, max_size=8), max_size=40))
def test_every_file_is_counted_once(names):
    assert sum(entry.record()["count"] for entry in other_files(names)) == len(names)


def test_hidden_files_and_litter_do_not_count(tmp_path):
    class_folder(tmp_path / "cat")
    for name in (".DS_Store", "Thumbs.db", "desktop.ini", "cat/._a.png", "__MACOSX/cat/x.txt", "cat/notes.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    assert [entry.files for entry in scan(tmp_path).passed_over] == [("cat/notes.txt",)]


def test_what_vaeaug_wrote_beside_images_does_not_count(tmp_path):
    class_folder(tmp_path / "train" / "cat")
    for name in ("README.md", "manifest.csv", "report.html", "vaeaug.json"):
        (tmp_path / name).write_text("file_name,label\ntrain/cat/000.png,dog\n")
    index = scan(tmp_path)
    assert (index.layout, index.passed_over) == ("splits", ())


def test_stray_images_are_in_the_line_whatever_the_layout(tmp_path):
    class_folder(tmp_path / "photos" / "train" / "cat", 40)
    class_folder(tmp_path / "photos" / "test" / "cat")
    save(tmp_path / "photos" / "overview.png")
    save(tmp_path / "photos" / "train" / "loose.png")
    save(tmp_path / "logo.png")
    assert scan(tmp_path).stray == ("logo.png", "photos/overview.png", "photos/train/loose.png")
