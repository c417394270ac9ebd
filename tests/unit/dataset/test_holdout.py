"""What is held out: about the fraction asked for of each class, whole copies and groups, and the same for a seed."""

from __future__ import annotations

import dataclasses
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vaeaug.dataset.holdout import groups_of, hold_out
from vaeaug.dataset.index import DatasetIndex, ImageFile, Provenance
from vaeaug.dataset.reading_options import HoldOut
from vaeaug.errors import InputError


def dataset(classes: dict[str, list[str]], split: str = "train") -> DatasetIndex:
    """Class -> names of its images."""
    files = [
        ImageFile(Path(name), f"{label}/{name}", split, label) for label, names in classes.items() for name in names
    ]
    files.sort(key=lambda file: file.file_name)
    return DatasetIndex(Path("data"), "folders", tuple(sorted(classes)), tuple(files))


def numbered(**counts: int) -> DatasetIndex:
    return dataset({label: [f"{number:03}.png" for number in range(count)] for label, count in counts.items()})


def with_contents(index: DatasetIndex, contents: dict[str, str]) -> DatasetIndex:
    """The contents of some files; all others differ."""
    files = [dataclasses.replace(file, digest=contents.get(file.file_name, file.file_name)) for file in index.files]
    return dataclasses.replace(index, files=tuple(files))


def held(index: DatasetIndex, split: str = "val") -> set[str]:
    return {file.file_name for file in index.of(split)}


@settings(deadline=None, max_examples=60)
@given(
    counts=st.lists(st.integers(3, 60), min_size=1, max_size=4),
    fraction=st.floats(0.01, 0.9),
    seed=st.integers(0, 5),
)
def test_each_class_gives_the_fraction_and_keeps_two(counts: list[int], fraction: float, seed: int) -> None:
    index = numbered(**{f"c{number}": count for number, count in enumerate(counts)})
    divided = hold_out(index, HoldOut(fraction, seed=seed))
    assert [file.file_name for file in divided.files] == [file.file_name for file in index.files]
    for label, left in divided.counts("train").items():
        total = index.counts("train")[label]
        assert total - left == min(max(1, round(fraction * total)), total - 2)
    assert divided == hold_out(index, HoldOut(fraction, seed=seed))


@settings(deadline=None, max_examples=60)
@given(contents=st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 12)), min_size=12, max_size=60))
def test_copies_stay_together_also_across_classes(contents: list[tuple[str, int]]) -> None:
    classes: dict[str, list[str]] = {"a": [], "b": []}
    digests = {}
    for number, (label, content) in enumerate(contents):
        classes[label].append(f"{number:03}.png")
        digests[f"{label}/{number:03}.png"] = str(content)
    try:
        divided = hold_out(with_contents(dataset(classes), digests), HoldOut(0.3))
    except InputError as error:
        assert "copies" in str(error) or "training images, but --holdout needs" in str(error)  # noqa: PT017 (may pass)
        return
    sides: dict[str, set[str]] = {}
    for file in divided.files:
        sides.setdefault(digests[file.file_name], set()).add(file.split)
    assert all(len(where) == 1 for where in sides.values())
    assert all(divided.counts("train")[file.label] >= 2 for file in divided.files)


def test_a_new_image_moves_at_most_one_other_and_a_new_name_none() -> None:
    index = numbered(a=40)
    before = held(hold_out(index, HoldOut(0.25)))
    more = dataset({"a": [*(f"{number:03}.png" for number in range(40)), "new.png"]})
    after = held(hold_out(more, HoldOut(0.25)))
    assert len(before - after) <= 1
    renamed = dataset({"a": [f"x{number:03}.png" for number in range(40)]})
    renamed = with_contents(renamed, {file.file_name: file.file_name.replace("a/x", "a/") for file in renamed.files})
    assert {name.replace("a/x", "a/") for name in held(hold_out(renamed, HoldOut(0.25)))} == before


def test_another_seed_holds_out_others() -> None:
    index = numbered(a=40)
    chosen = {frozenset(held(hold_out(index, HoldOut(0.25, seed=seed)))) for seed in range(4)}
    assert len(chosen) == 4


@settings(deadline=None, max_examples=12)
@given(
    sizes=st.lists(st.integers(1, 6), min_size=10, max_size=16),
    fraction=st.sampled_from([0.1, 0.2, 0.25, 0.3, 0.5]),
    split=st.sampled_from(["val", "test"]),
)
def test_groups_stay_together(sizes: list[int], fraction: float, split: str) -> None:
    names = [f"p{group}_{number}.png" for group, size in enumerate(sizes) for number in range(size)]
    index = dataset({"a": names, "b": names})
    divided = hold_out(index, HoldOut(fraction, split, r"p(\d+)_"))
    groups = {file.file_name.partition("/p")[2].partition("_")[0]: set() for file in divided.files}  # type: ignore[var-annotated]
    for file in divided.files:
        groups[file.file_name.partition("/p")[2].partition("_")[0]].add(file.split)
    assert all(len(where) == 1 for where in groups.values())
    for label in "ab":
        assert abs(divided.counts(split)[label] / len(names) - fraction) < 0.25
    assert held(divided, split) == held(hold_out(index, HoldOut(fraction, split, r"p(\d+)_")), split)


def test_groups_that_share_an_image_are_one() -> None:
    index = dataset({"a": [f"p{group}_{number}.png" for group in range(6) for number in range(3)]})
    index = with_contents(index, {"a/p0_0.png": "same", "a/p1_0.png": "same"})
    for seed in range(5):
        divided = hold_out(index, HoldOut(0.3, group_by="p[0-9]", seed=seed))
        splits = {file.file_name: file.split for file in divided.files}
        assert splits["a/p0_0.png"] == splits["a/p1_0.png"] == splits["a/p0_2.png"] == splits["a/p1_2.png"]


def test_a_group_is_the_first_group_of_the_expression_or_its_match() -> None:
    index = dataset({"a": ["p1_x.png", "p2_y.png"]})
    assert groups_of(index, r"p(\d)_(.)") == {"a/p1_x.png": "1", "a/p2_y.png": "2"}
    assert groups_of(index, r"p\d") == {"a/p1_x.png": "p1", "a/p2_y.png": "p2"}


@pytest.mark.parametrize(
    ("classes", "asked", "message"),
    [
        ({"a": 2, "b": 9}, {}, r"the class 'a' has 2 training images, but --holdout needs at least 3"),
        ({"a": 9}, {"group_by": "(x"}, r"'\(x' is neither a column of a table nor a valid regular expression"),
        ({"a": 9}, {"group_by": "patient"}, r"matches no file name \(a file name is, for example, 'a/000.png'\)"),
        ({"a": 9}, {"group_by": "png"}, r"puts all images into one group, 'png'"),
        ({"a": 9}, {"group_by": "00[0-4]"}, r"gives no group for 4 of 9 images: 'a/005.png'"),
        ({"a": 9, "b": 9}, {"group_by": "^."}, r"all images of the class 'a', 'b' are in one group"),
    ],
)
def test_what_cannot_be_held_out(classes: dict[str, int], asked: dict[str, str], message: str) -> None:
    index = numbered(**classes)
    with pytest.raises(InputError, match=message):
        hold_out(index, HoldOut(0.2, **asked))  # type: ignore[arg-type]


def test_a_split_that_is_there_is_not_written_again() -> None:
    index = numbered(a=9)
    own = dataclasses.replace(index.files[0], split="val")
    index = dataclasses.replace(index, files=(own, *index.files[1:]))
    with pytest.raises(InputError, match=r"already has a val split \(1 image\); .* --holdout-as test"):
        hold_out(index, HoldOut(0.2))
    divided = hold_out(index, HoldOut(0.25, "test"))
    assert Counter(file.split for file in divided.files) == {"val": 1, "train": 6, "test": 2}


def test_splits_that_share_groups_are_refused() -> None:
    index = dataset({"a": [f"p{number // 2}_{number}.png" for number in range(10)]})
    own = dataclasses.replace(index.files[0], split="test")
    index = dataclasses.replace(index, files=(own, *index.files[1:]))
    with pytest.raises(InputError, match=r"1 group is in more than one split: 'p0'"):
        hold_out(index, HoldOut(0.3, group_by=r"p\d"))


def test_images_that_a_model_has_seen_are_not_held_out() -> None:
    index = numbered(a=9)
    made = dataclasses.replace(index.files[0], split="synthetic", provenance=Provenance("true"))
    index = dataclasses.replace(index, files=(made, *index.files[1:]))
    with pytest.raises(InputError, match="--holdout needs images that no model was trained on"):
        hold_out(index, HoldOut(0.2))
