"""Any class name gives one safe folder, and ordinary names stay as they are."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath, PureWindowsPath
from urllib.parse import unquote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from vaeaug.errors import InputError
from vaeaug.export.layout import collision_key, cut_name, folder_name, is_synthetic_name, make_class_folders
from vaeaug.export.layout import synthetic_name as name_of

# Any code point (surrogates too), with what is dangerous drawn often, and short enough for pairs to come close.
SPLIT = re.compile(r"(^|[-._ 0-9])(train|training|validation|valid|dev|val|test|testing|eval|evaluation)([-._ 0-9]|$)")
DANGEROUS = st.sampled_from([*list("/\\.%:~ \x00\n_2F57EeéÅ"), "..", "%2F", "con", "aux.", "�", "�", "é"])
LABELS = st.lists(DANGEROUS | st.characters(), max_size=8).map("".join) | st.text(min_size=60, max_size=400)


@given(LABELS)
@example("..")
@example("")
@example("COM¹.txt ")
@example("x" * 300)
@example("é" * 200)
@example("/" * 300)
def test_a_folder_is_one_visible_component_on_posix_and_windows(label: str) -> None:
    name = folder_name(label)
    assert len(name.encode()) <= 255  # also: encodable at all
    assert PurePosixPath("out", name).parts == ("out", name)
    assert PureWindowsPath("out", name).parts == ("out", name)
    assert not PureWindowsPath(name).is_reserved()
    assert not name.startswith((".", "__"))
    assert not name.endswith((".", " "))
    assert all(ord(character) >= 32 for character in name)
    assert not set(name) & set('<>:"/\\|?*')


@given(LABELS, LABELS)
@example("/", "%2F")
@example("%2f", "%2F")
@example("%", "%25")
@example("%/", "%%2F")
@example("", "%7E")
@example("x" * 300, folder_name("x" * 300))
@example("x" * 300, "x" * 301)
@example("\udce9", "%E9")
def test_two_classes_never_share_a_folder_or_a_file_name(one: str, other: str) -> None:
    assert (folder_name(one) == folder_name(other)) == (one == other)
    assert (name_of(one, 0) == name_of(other, 0)) == (one == other)


@given(st.from_regex(r"[A-Za-z0-9äñ日本][A-Za-z0-9 ._+&()'äñ日本-]{0,40}[A-Za-z0-9)日]", fullmatch=True))
@example("T-shirt")
@example("50% off")
@example("C++ (old)")
@example("icône")
@example("n01440764")
@example("console")
def test_an_ordinary_name_stays_as_it_is(label: str) -> None:
    if PureWindowsPath(label).is_reserved() or SPLIT.search(label):
        assert folder_name(label) != label
    else:
        assert folder_name(label) == label


SPLIT_LABELS = st.lists(
    st.sampled_from(["train", "test", "testing", "val", "valid", "dev", "eval", *' -._/"\t%05Ab']),
    min_size=1,
    max_size=6,
).map("".join)


@given(SPLIT_LABELS)
@example('"test')
@example("x" * 250 + " test")
def test_no_folder_of_a_class_names_a_split_to_hugging_face_datasets(label: str) -> None:
    assert SPLIT.search(folder_name(label)) is None


@given(SPLIT_LABELS)
def test_the_folder_of_a_short_name_is_its_percent_encoding(label: str) -> None:
    assert unquote(folder_name(label)) == label


@given(LABELS, st.integers(0, 10**20))
@example("é" * 300, 10**20)
def test_a_synthetic_name_fits_and_is_recognised(label: str, index: int) -> None:
    name = name_of(label, index)
    assert len(name.encode()) <= 255
    assert is_synthetic_name(label, name)
    assert is_synthetic_name(label, name.replace("synthetic", "Synthetic", 1).replace(".png", ".PNG"))
    assert not is_synthetic_name(label, "a" + name)


def test_synthetic_names_count_with_five_digits_and_more_where_needed() -> None:
    assert name_of("Ankle boot", 7) == "synthetic-Ankle boot-00007.png"
    assert name_of("Ankle boot", 123_456) == "synthetic-Ankle boot-123456.png"
    assert not is_synthetic_name("cat", "synthetic-cat-1.png")
    assert is_synthetic_name("cat", "synthetic-cat-00000.jpg")
    assert not is_synthetic_name("cat", "synthetic-cat-00000.bmp")


@given(st.text(st.characters(codec="utf-8"), min_size=100, max_size=300), st.sampled_from(["", ".png", "-2.jpeg"]))
def test_a_cut_name_keeps_its_suffix_and_fits(name: str, suffix: str) -> None:
    cut = cut_name(name, suffix)
    assert cut.endswith(suffix)
    assert len(cut.encode()) <= 255
    assert (cut == name + suffix) == (len((name + suffix).encode()) <= 255)


def test_names_that_macos_or_windows_take_for_one_have_one_key() -> None:
    assert collision_key("Café") == collision_key("café")
    assert collision_key("cat") != collision_key("car")


def test_class_folders_are_made_one_for_each_class(tmp_path: Path) -> None:
    folders = make_class_folders(tmp_path / "train", ["a/b", "..", "cat", "x" * 400])
    assert sorted(folders.values()) == sorted((tmp_path / "train").iterdir())
    assert len(set(folders.values())) == 4
    assert folders["cat"] == tmp_path / "train" / "cat"


def test_a_file_system_that_ignores_letter_case_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "Cat").mkdir()
    (tmp_path / "cat").symlink_to(tmp_path / "Cat")  # what such a file system does by itself
    with pytest.raises(InputError, match="'Cat' and 'cat' have the same folder"):
        make_class_folders(tmp_path, ["cat", "Cat"])
