"""The layouts of DATA and how they are told apart."""

import os
import sys
import unicodedata

import pytest
from dataset_files import class_folder, gray, save
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vaeaug.dataset.scan import scan


def test_folders_are_classes_and_all_their_images_train(tmp_path):
    class_folder(tmp_path / "dog", 2)
    class_folder(tmp_path / "cat", 3)
    index = scan(tmp_path)
    assert index.layout == "folders"
    assert index.root == tmp_path
    assert index.classes == ("cat", "dog")
    assert [file.file_name for file in index.files] == [
        "cat/000.png",
        "cat/001.png",
        "cat/002.png",
        "dog/000.png",
        "dog/001.png",
    ]
    assert {file.split for file in index.files} == {"train"}
    assert [file.label for file in index.files] == ["cat"] * 3 + ["dog"] * 2
    assert all(file.path == tmp_path / file.file_name for file in index.files)


def test_every_suffix_in_any_case_is_an_image_and_no_other_file_is(tmp_path):
    names = ["a.png", "b.JPG", "c.Jpeg", "d.bmp", "e.WEBP", "f.tif", "g.TIFF"]
    for name in names:
        save(tmp_path / "cat" / name)
    for name in ["notes.txt", "Thumbs.db", ".DS_Store", ".hidden.png", "._a.png", "desktop.ini", "png", "x.png.txt"]:
        (tmp_path / "cat" / name).write_bytes(b"x")
    assert [file.file_name for file in scan(tmp_path).files] == [f"cat/{name}" for name in names]


def test_hidden_and_litter_folders_are_passed_over(tmp_path):
    class_folder(tmp_path / "cat")
    class_folder(tmp_path / ".git")
    class_folder(tmp_path / "__MACOSX" / "cat")
    class_folder(tmp_path / "cat" / ".ipynb_checkpoints")
    index = scan(tmp_path)
    assert index.classes == ("cat",)
    assert len(index.files) == 3


def test_folders_below_a_class_belong_to_the_class(tmp_path):
    save(tmp_path / "cat" / "a.png")
    save(tmp_path / "cat" / "2020" / "may" / "b.png")
    index = scan(tmp_path)
    assert index.classes == ("cat",)
    assert [file.file_name for file in index.files] == ["cat/2020/may/b.png", "cat/a.png"]


def test_splits(tmp_path):
    class_folder(tmp_path / "train" / "cat", 4)
    class_folder(tmp_path / "train" / "dog", 2)
    class_folder(tmp_path / "val" / "cat", 1)
    class_folder(tmp_path / "test" / "dog" / "old", 5)
    index = scan(tmp_path)
    assert index.layout == "splits"
    assert index.classes == ("cat", "dog")
    assert index.counts("train") == {"cat": 4, "dog": 2}
    assert index.counts("val") == {"cat": 1, "dog": 0}
    assert index.counts("test") == {"cat": 0, "dog": 5}
    assert [file.file_name for file in index.of("val")] == ["val/cat/000.png"]


@pytest.mark.parametrize(
    ("name", "split"),
    [("Training", "train"), ("valid", "val"), ("VALIDATION", "val"), ("dev", "val"), ("testing", "test")],
)
def test_other_names_of_splits(tmp_path, name, split):
    if split != "train":
        class_folder(tmp_path / "train" / "cat")
    class_folder(tmp_path / name / "cat", 2)
    index = scan(tmp_path)
    assert index.layout == "splits"
    assert {file.file_name for file in index.of(split)} >= {f"{name}/cat/000.png"}


def test_a_class_called_train_beside_other_classes_is_a_class(tmp_path):
    class_folder(tmp_path / "train")
    class_folder(tmp_path / "bus")
    index = scan(tmp_path)
    assert index.layout == "folders"
    assert index.classes == ("bus", "train")
    assert index.counts("train") == {"bus": 3, "train": 3}


def test_classes_with_names_of_splits_can_be_nested_in_train(tmp_path):
    class_folder(tmp_path / "train" / "train")
    class_folder(tmp_path / "train" / "test")
    index = scan(tmp_path)
    assert index.layout == "splits"
    assert index.classes == ("test", "train")


def test_folders_without_images_do_not_hide_the_splits(tmp_path):
    class_folder(tmp_path / "train" / "cat")
    class_folder(tmp_path / "test" / "cat")
    (tmp_path / "annotations").mkdir()
    (tmp_path / "annotations" / "boxes.xml").write_text("<x/>")
    assert scan(tmp_path).layout == "splits"


def test_a_label_only_in_test_is_kept_there_and_is_no_class(tmp_path):
    class_folder(tmp_path / "train" / "good")
    class_folder(tmp_path / "test" / "good", 1)
    class_folder(tmp_path / "test" / "scratched", 2)
    index = scan(tmp_path)
    assert index.classes == ("good",)
    assert index.unseen == ("scratched",)
    assert index.counts("test") == {"good": 1, "scratched": 2}
    assert index.counts("train") == {"good": 3}


def test_an_empty_class_folder_in_test_is_no_matter(tmp_path):
    class_folder(tmp_path / "train" / "cat")
    class_folder(tmp_path / "test" / "cat", 1)
    (tmp_path / "test" / "dog").mkdir()
    assert scan(tmp_path).classes == ("cat",)


def test_images_outside_class_folders_are_told(tmp_path):
    class_folder(tmp_path / "train" / "cat")
    save(tmp_path / "overview.png")
    save(tmp_path / "train" / "loose.png")
    save(tmp_path / "test" / "unlabelled.png")
    index = scan(tmp_path)
    assert index.stray == ("overview.png", "test/unlabelled.png", "train/loose.png")
    assert len(index.files) == 3


def test_links_are_followed_and_loops_end(tmp_path):
    data, elsewhere = tmp_path / "data", tmp_path / "elsewhere"
    class_folder(data / "cat")
    class_folder(elsewhere)
    (data / "dog").symlink_to(elsewhere, target_is_directory=True)
    (data / "cat" / "up").symlink_to(data, target_is_directory=True)
    (data / "cat" / "self").symlink_to(data / "cat", target_is_directory=True)
    (data / "cat" / "knot").symlink_to(data / "cat" / "knot")
    index = scan(data)
    assert index.counts("train") == {"cat": 3, "dog": 3}


def test_folders_that_all_link_to_each_other_are_each_entered_once(tmp_path):
    for i in range(9):  # 9! ways through
        save(tmp_path / "cat" / str(i) / "a.png")
    save(tmp_path / "cat" / "a.png")  # so that the folders are below one class
    for i in range(9):
        for j in range(9):
            (tmp_path / "cat" / str(i) / f"to{j}").symlink_to(tmp_path / "cat" / str(j), target_is_directory=True)
    assert len(scan(tmp_path).files) == 10


def test_a_broken_link_is_listed_so_that_it_is_reported(tmp_path):
    class_folder(tmp_path / "cat")
    (tmp_path / "cat" / "gone.png").symlink_to(tmp_path / "nowhere.png")
    assert "cat/gone.png" in {file.file_name for file in scan(tmp_path).files}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_named_pipe_is_no_image(tmp_path):
    class_folder(tmp_path / "cat")
    os.mkfifo(tmp_path / "cat" / "pipe.png")
    assert len(scan(tmp_path).files) == 3


def test_a_relative_path_and_the_current_folder(tmp_path, monkeypatch):
    class_folder(tmp_path / "cat")
    monkeypatch.chdir(tmp_path)
    assert [file.file_name for file in scan(".").files] == ["cat/000.png", "cat/001.png", "cat/002.png"]


ODD = [
    "-rf",
    "a b",
    "it's",
    'say "x"',
    "#1",
    "100%",
    "🐈",
    "ñandú",
    "日本",
    "x" * 200,
    "a\nb",
    "a\\b",
    "..a",
    "CON",
    "a;b&c",
]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows refuses such names")
def test_odd_class_names(tmp_path):
    names = [name for name in ODD if not name.startswith(".")]
    for name in names:
        class_folder(tmp_path / name, 2)
    index = scan(tmp_path)
    assert index.classes == tuple(sorted(names))
    assert all(file.path.is_file() for file in index.files)


name_text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="/\0"), min_size=1, max_size=20)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    names=st.lists(
        name_text.filter(lambda n: not n.startswith(".") and n not in ("__MACOSX", "@eaDir")),
        min_size=2,
        unique_by=lambda n: unicodedata.normalize("NFC", n.casefold()).strip(),
    )
)
def test_any_class_name_a_file_system_takes(tmp_path_factory, names):
    data = tmp_path_factory.mktemp("data")
    image = gray(0)
    made = set()
    for name in names:
        try:
            save(data / "train" / name / "a.png", image)
            save(data / "train" / name / "b.png", image)
        except OSError:
            continue
        made.add(name)
    if made:
        assert scan(data).classes == tuple(sorted(unicodedata.normalize("NFC", name) for name in made))
