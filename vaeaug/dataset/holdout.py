"""Hold out real training images as a separate split, before any model is trained on them.

Each class gives about the same fraction. Byte-identical images are not divided, nor are groups of images that belong
together (of one patient, of one scene). The images whose content and seed hash lowest are held out, so that adding an
image moves at most one other, and renaming none. Groups are assigned by scikit-learn's `StratifiedGroupKFold`.
"""

from __future__ import annotations

import dataclasses
import hashlib
import re
import shlex
import warnings
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vaeaug.dataset.index import MINIMUM_PER_CLASS, DatasetIndex, ImageFile
from vaeaug.dataset.reading_options import HoldOut
from vaeaug.dataset.tables import column_of
from vaeaug.errors import InputError, quoted
from vaeaug.seeds import seed_of

_MAX_FOLDS = 20
_ATTEMPTS = 20
_MANY_GROUPS = 2000
"""Groups above which one assignment is made: each takes seconds, and the first is nearly always good."""


@dataclass(frozen=True, slots=True)
class EarlierTraining:
    """The training of a model that is used on a dataset.

    Attributes:
        model: its directory, for messages.
        held_out: what was held out before it; None if nothing was.
        names: `file_name` of the training images.
    """

    model: Path
    held_out: HoldOut | None
    names: frozenset[str]


def divide(
    index: DatasetIndex, requested: HoldOut | None, group_by: str | None, training: EarlierTraining | None = None
) -> tuple[DatasetIndex, HoldOut | None]:
    """Return a dataset with images held out, and how they were held out (None if none were).

    With a model that is used on the dataset that it was trained on, the same images are held out as in its training.

    Args:
        requested: what the user asks for, if anything.
        group_by: as in `HoldOut`: groups that the dataset's own splits must not divide if nothing is held out.

    Raises:
        InputError: if images cannot be held out as requested, if the model has seen them, or if groups are in more
            than one split.
    """
    recorded = None if training is None else training.held_out
    if requested is None and recorded is not None and not _is_undivided(index, recorded, training):
        recorded = None
    options = recorded or requested
    if options is None:
        if group_by is not None:
            _check_own_splits(index, group_by)
        return index, None
    if training is not None and requested is not None and options.options() != requested.options():
        raise InputError(
            f"the model {training.model} was trained with {options.options()}, not {requested.options()}; give the "
            "same options"
        )
    divided = hold_out(index, options)
    if training is not None:
        _check_training(training, divided, options, requested)
    return divided, options


def hold_out(index: DatasetIndex, options: HoldOut) -> DatasetIndex:
    """Return a dataset with some real training images moved to another split."""
    _check_untouched(index, options)
    training = index.of("train")
    if options.group_by is None:
        held_out = _by_class(training, options)
    else:
        held_out = _by_group(training, _units(training, groups_of(index, options.group_by)), options)
    files = tuple(
        dataclasses.replace(file, split=options.split) if file.file_name in held_out else file for file in index.files
    )
    return dataclasses.replace(index, files=files)


def _is_undivided(index: DatasetIndex, recorded: HoldOut, training: EarlierTraining | None) -> bool:
    """Return whether a dataset has the images of a training and others, from which none are held out yet."""
    names = {file.file_name for file in index.of("train")}
    return training is not None and not index.of(recorded.split) and training.names < names


def _check_training(
    training: EarlierTraining, divided: DatasetIndex, options: HoldOut, requested: HoldOut | None
) -> None:
    """Check that the held-out images are those of an earlier training, or on request only that it has not seen them."""
    if requested is None:
        if {file.file_name for file in divided.of("train")} != training.names:
            raise InputError(
                f"the images have changed since the model {training.model} was trained with {options.options()}, so "
                "other images would be held out now; train it again, or give another --model directory to train a new "
                "one"
            )
        return
    held_out = divided.of(options.split)
    overlap = sum(file.file_name in training.names for file in held_out)
    if overlap:
        raise InputError(
            f"the model {training.model} was trained on {overlap:,} of the {len(held_out):,} images to hold out; train "
            f"it with {requested.options()} too, or give another --model directory to train a new one"
        )


def _check_own_splits(index: DatasetIndex, group_by: str) -> None:
    if not any(file.split in ("val", "test") for file in index.files):
        raise InputError(
            f"--group-by requires --holdout (for example 0.2), because {index.root} has no val or test split"
        )
    groups_of(index, group_by)


def _check_untouched(index: DatasetIndex, options: HoldOut) -> None:
    """Refuse a dataset that already has the split, or with training images that a model was trained on."""
    num_synthetic = sum(file.synthetic for file in index.files)
    if num_synthetic:
        raise InputError(
            f"--holdout needs images that no model was trained on, but {index.root} contains {num_synthetic:,} "
            "synthetic images, made by a model that was trained on the real ones; use --holdout when you augment the "
            "original data"
        )
    own = len(index.of(options.split))
    if own:
        other = "test" if options.split == "val" else "val"
        free = "" if index.of(other) else f", or give --holdout-as {other}"
        raise InputError(
            f"{index.root} already has a {options.split} split ({own:,} {'image' if own == 1 else 'images'}); leave "
            f"out --holdout{free}"
        )


def _by_class(training: Sequence[ImageFile], options: HoldOut) -> set[str]:
    """Return the `file_name` of the held-out images: whole groups of equal content, in the order of their hashes."""
    classes: defaultdict[str, defaultdict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for file in training:
        content = file.digest or file.file_name  # what cannot be read has no content to compare
        classes[file.label][content].append(file.file_name)
    held_out: set[str] = set()
    decided: dict[str, bool] = {}  # content -> whether it is held out, for copies in several classes
    for label, contents in sorted(classes.items()):
        total = sum(map(len, contents.values()))
        remaining = min(max(1, round(options.fraction * total)), total - MINIMUM_PER_CLASS)
        if remaining < 1:
            raise InputError(
                f"the class {label!r} has {total} training images, but --holdout needs at least "
                f"{MINIMUM_PER_CLASS + 1}: 2 to train on and 1 to hold out; add images, or move the folder out of "
                "the dataset"
            )
        taken = [content for content in contents if decided.get(content)]
        remaining -= sum(len(contents[content]) for content in taken)
        for content in sorted(contents.keys() - decided.keys(), key=lambda content: _rank(content, options.seed)):
            if len(contents[content]) <= remaining:
                taken.append(content)
                remaining -= len(contents[content])
        if not taken:
            raise InputError(
                f"the class {label!r} has so many copies of one image that none can be held out, because copies stay "
                "in the same split; remove the copies"
            )
        decided |= dict.fromkeys(contents, False) | dict.fromkeys(taken, True)
        held_out.update(name for content in taken for name in contents[content])
    _check_left(training, held_out, options)
    return held_out


def _rank(content: str, seed: int) -> bytes:
    return hashlib.blake2b(f"holdout/{seed}/{content}".encode(), digest_size=16).digest()


def _units(training: Sequence[ImageFile], groups: Mapping[str, str]) -> NDArray[np.int64]:
    """Return the number of the unit of each image: groups, joined where they share an image."""
    parent: dict[str, str] = {}

    def root(key: str) -> str:
        while parent.setdefault(key, key) != key:
            parent[key] = parent[parent[key]]
            key = parent[key]
        return key

    for file in training:
        parent[root(f"content {file.digest or file.file_name}")] = root(f"group {groups[file.file_name]}")
    roots = [root(f"group {groups[file.file_name]}") for file in training]
    number = {key: index for index, key in enumerate(dict.fromkeys(roots))}
    return np.array([number[key] for key in roots], np.int64)


def _by_group(training: Sequence[ImageFile], units_N: NDArray[np.int64], options: HoldOut) -> set[str]:
    """Return the `file_name` of the held-out images: whole units, every class in both parts."""
    from sklearn.model_selection import StratifiedGroupKFold  # noqa: PLC0415 (costs a second to import)

    labels_N = np.array([file.label for file in training])
    _, label_N, count_K = np.unique(labels_N, return_inverse=True, return_counts=True)
    units = int(units_N.max()) + 1
    folds, held_out_folds = _folds(options.fraction, min(units, int(count_K.max())))
    best: tuple[float, NDArray[np.bool_]] | None = None
    for attempt in range(1 if units > _MANY_GROUPS else _ATTEMPTS):
        seed = seed_of(options.seed, "holdout", attempt) % 2**32
        split = StratifiedGroupKFold(folds, shuffle=True, random_state=seed).split(labels_N, labels_N, units_N)
        held_out_N = np.zeros(len(training), np.bool_)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of classes with fewer images than folds
            for fold, (_, chosen) in enumerate(split):
                held_out_N[chosen] |= fold < held_out_folds
        held_out_K = np.bincount(label_N[held_out_N], minlength=len(count_K))
        if (held_out_K >= 1).all() and (count_K - held_out_K >= MINIMUM_PER_CLASS).all():
            cost = float(np.abs(held_out_K / count_K - options.fraction).sum())
            if best is None or cost < best[0]:
                best = cost, held_out_N
    if best is None:
        raise InputError(_cannot_divide_message(labels_N, units_N, options))
    return {file.file_name for file, held_out in zip(training, best[1], strict=True) if held_out}


def _folds(fraction: float, max_folds: int) -> tuple[int, int]:
    """Return a number of folds, at most `max_folds`, and how many of them come nearest to a fraction."""
    folds = range(2, max(2, min(_MAX_FOLDS, max_folds)) + 1)
    held_out = {n: min(max(1, round(fraction * n)), n - 1) for n in folds}
    n = min(folds, key=lambda n: (round(abs(held_out[n] / n - fraction), 2), n))
    return n, held_out[n]


def _cannot_divide_message(labels_N: NDArray[np.str_], units_N: NDArray[np.int64], options: HoldOut) -> str:
    """Return the message for groups that cannot be divided so that each class is in both parts."""
    groups = {str(label): len(set(units_N[labels_N == label].tolist())) for label in np.unique(labels_N)}
    whole = [label for label, count in groups.items() if count == 1]
    flag = f"--group-by {shlex.quote(options.group_by or '')}"
    if whole:
        return (
            f"all images of the class {quoted(whole, 3)} are in one group by {flag}, so none can be held out; "
            "add images of other groups, or move the folder out of the dataset"
        )
    label = min(groups, key=lambda name: groups[name])
    return (
        f"the groups of {flag} cannot be divided so that both splits contain every class (the class {label!r} has "
        f"{groups[label]} groups); choose another fraction, or leave out --group-by"
    )


def _check_left(training: Sequence[ImageFile], held_out: set[str], options: HoldOut) -> None:
    """Refuse a class that copies in other classes leave too few training images."""
    left = Counter(file.label for file in training if file.file_name not in held_out)
    too_small = sorted({file.label for file in training if left[file.label] < MINIMUM_PER_CLASS})
    if too_small:
        raise InputError(
            f"--holdout {options.fraction:g} leaves the class {quoted(too_small, 3)} fewer than {MINIMUM_PER_CLASS} "
            "training images, because copies of its images in other classes are held out; remove the copies"
        )


def groups_of(index: DatasetIndex, group_by: str) -> dict[str, str]:
    """Return `file_name` -> the group of each real image.

    Args:
        group_by: a column of the table that lists the images, or a regular expression whose first group, or whole
            match, in `file_name` is the group.

    Raises:
        InputError: if an image has no group, if there is one group only, or if a group is in more than one split.
    """
    names = [file.file_name for file in index.files if not file.synthetic]
    column = None if index.table is None else column_of(index.table, group_by)
    found = _matches(names, group_by) if column is None else {name: column.get(name, "") for name in names}
    missing = [name for name in names if not found[name]]
    flag = f"--group-by {shlex.quote(group_by)}"
    if len(missing) == len(names) and column is None:
        raise InputError(
            f"{flag} is not a column of a table in {index.root}, and as a regular expression it matches no file "
            f"name (a file name is, for example, {names[0]!r})"
        )
    if missing:
        raise InputError(
            f"{flag} gives no group for {len(missing):,} of {len(names):,} images: {quoted(missing, 3)}; every "
            "image needs a group"
        )
    if len(set(found.values())) == 1:
        raise InputError(
            f"{flag} puts all images into one group, {found[names[0]]!r}; choose a column or an expression that "
            "separates them"
        )
    _check_undivided(index, found, flag)
    return found


def _check_undivided(index: DatasetIndex, groups: Mapping[str, str], flag: str) -> None:
    """Raise InputError if a group has images in more than one split."""
    splits: defaultdict[str, set[str]] = defaultdict(set)
    for file in index.files:
        if file.file_name in groups:
            splits[groups[file.file_name]].add(file.split)
    shared = sorted(group for group, where in splits.items() if len(where) > 1)
    if shared:
        noun = "1 group is" if len(shared) == 1 else f"{len(shared):,} groups are"
        raise InputError(
            f"with {flag}, {noun} in more than one split: {quoted(shared, 3)}; move "
            "their images so that each group is in one split, or leave out --group-by"
        )


def _matches(names: list[str], pattern: str) -> dict[str, str]:
    """Return what a regular expression finds in each name; empty if it finds nothing."""
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise InputError(
            f"--group-by {shlex.quote(pattern)} is neither a column of a table nor a valid regular expression: {error}"
        ) from None
    found = {}
    for name in names:
        match = compiled.search(name)
        found[name] = "" if match is None else (match[1] if compiled.groups else match[0]) or ""
    return found
