"""Read class folders, split folders with class folders in them, and class folders with split folders in them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from vaeaug.dataset.folder_kinds import is_image_folder, is_mask_folder, is_unlabelled
from vaeaug.dataset.index import NO_LABEL, SPLITS, ImageFile
from vaeaug.dataset.passed_over import MASKS, UNLABELLED, PassedOver
from vaeaug.dataset.splits import split_and_rest, split_named
from vaeaug.dataset.tree import Folder
from vaeaug.errors import InputError, quoted


@dataclass(slots=True)
class FolderImages:
    """The images of a dataset according to its folders; `empty` classes have none, `stray` images have no class."""

    layout: Literal["folders", "splits"]
    files: list[ImageFile] = field(default_factory=list)
    empty: list[str] = field(default_factory=list)
    stray: list[str] = field(default_factory=list)
    passed_over: list[PassedOver] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def read_class_folders(top: Folder, *, training: bool) -> FolderImages:
    """Read the images of a dataset with classes and splits from the names of its folders.

    Args:
        training: if false, images outside class folders have no label, and no split is required.
    """
    named = _split_folders(top.image_folders)
    unused = [folder for folder in top.image_folders if folder not in named.values() and _is_unused(folder)]
    if named and len(named) + len(unused) == len(top.image_folders) and (not unused or _is_nested(named)):
        folder_images = _read_splits(top, named, training=training)
        folder_images.passed_over += [_unused_entry(top, folder) for folder in unused]
        return folder_images
    pairs = _split_class_pairs(top.image_folders)
    if pairs:
        folder_images = _read_paired(top, pairs, training=training)
        read = [folder for folder, _, _ in pairs]
        folder_images.passed_over += [_unused_entry(top, folder) for folder in top.image_folders if folder not in read]
        return folder_images
    _check_no_splits_among_classes(top, named)
    inside = [folder for folder in top.image_folders if _has_splits_inside(folder)]
    if inside:
        _check_splits_in_all(top, inside)
        return _read_inside(top, training=training)
    _check_no_copy_of_the_whole(top)
    return _read_classes(top, training=training)


def _read_classes(top: Folder, *, training: bool) -> FolderImages:
    """Read `DATA/<class>/**`: all images are training images."""
    folder_images = FolderImages("folders")
    _add_loose(folder_images, top, top, "train", training=training)
    for folder in top.folders:
        _add_class(folder_images, top, folder, folder.name, "train")
    return folder_images


def _read_splits(top: Folder, named: dict[str, Folder], *, training: bool) -> FolderImages:
    """Read `DATA/<split>/<class>/**`."""
    if training and "train" not in named:
        names = quoted(folder.name for folder in named.values())
        raise InputError(
            f"{top.path} has no training split, only {names}; name one folder 'train' (if these are your classes, "
            f"move them into {top.name}/train/)"
        )
    folder_images = FolderImages("splits")
    _add_loose(folder_images, top, top, "train", training=training)
    for split, folder in named.items():
        inner = _without_repeated_folder(folder)
        _add_loose(folder_images, top, inner, split, training=training)
        if training and split == "train" and not inner.image_folders:
            raise InputError(
                f"{folder.path} contains images but no class folders; arrange them as "
                f"{top.name}/{folder.name}/<class>/*.png (if {folder.name!r} is itself a class, move it into "
                f"{top.name}/train/), or list them in a table: --labels FILE"
            )
        trained = {file.label for file in folder_images.files if file.split == "train"}
        for class_folder in inner.folders:
            if split != "train" and class_folder.name not in trained and is_image_folder(class_folder.name):
                _add_unlabelled(folder_images, top, class_folder, split, training=training)
            else:
                _add_class(folder_images, top, class_folder, class_folder.name, split)
    return folder_images


def _add_unlabelled(folder_images: FolderImages, top: Folder, folder: Folder, split: str, *, training: bool) -> None:
    """Add `test/images` where train has classes: it is not a class, but images without labels."""
    names = _names(top.path, folder.image_paths())
    if training:
        folder_images.passed_over.append(PassedOver(UNLABELLED, tuple(sorted(names))))
    else:
        folder_images.files += [ImageFile(top.path / name, name, split, NO_LABEL) for name in names]


def _without_repeated_folder(split: Folder) -> Folder:
    """Return the folder with the classes of a split: itself, or `train/train` and the like of some archives."""
    single = split.image_folders[0] if len(split.image_folders) == 1 else None
    repeats = single is not None and (single.name == split.name or split_named(single.name) == split_named(split.name))
    if single is not None and repeats and not split.images and not single.images:
        return single
    return split


def _read_paired(top: Folder, pairs: list[tuple[Folder, str, str]], *, training: bool) -> FolderImages:
    """Read `DATA/<split>_<class>/` or `DATA/<class>_<split>/`, or folders such as `cars_train` with classes in them."""
    if not any(folder.images for folder, _, _ in pairs):
        folder_images = _read_splits(top, {split: folder for folder, split, _ in pairs}, training=training)
        folder_images.notes.append(_paired_note(pairs, "splits"))
        return folder_images
    folder_images = FolderImages("folders")
    _add_loose(folder_images, top, top, "train", training=training)
    for folder, split, label in pairs:
        _add_class(folder_images, top, folder, label, split)
    folder_images.notes.append(_paired_note(pairs, "splits and classes"))
    return folder_images


def _paired_note(pairs: list[tuple[Folder, str, str]], what: str) -> str:
    example, split, label = pairs[0]
    of = f"class {label!r}, split {split}" if what != "splits" else f"split {split}"
    return f"folder names were read as {what}: {example.name!r} is {of}"


def _read_inside(top: Folder, *, training: bool) -> FolderImages:
    """Read `DATA/<class>/<split>/**`."""
    folder_images = FolderImages("splits")
    _add_loose(folder_images, top, top, "train", training=training)
    for folder in top.image_folders:
        for split, inner in _split_folders(folder.image_folders).items():
            _add_class(folder_images, top, inner, folder.name, split)
    if training and not any(file.split == "train" for file in folder_images.files):
        raise InputError(f"{top.path} has no training split; name one folder in each class 'train'")
    kinds = quoted(dict.fromkeys(inner.name for folder in top.image_folders for inner in folder.image_folders))
    folder_images.notes.append(f"the folders {kinds} in the class folders were read as splits")
    return folder_images


def _add_class(folder_images: FolderImages, top: Folder, folder: Folder, label: str, split: str) -> None:
    prefix = folder.path.relative_to(top.path).as_posix()
    wrappers = prefix.count("/") + 1 - {"folders": 1, "splits": 2}[folder_images.layout]
    folder_images.files += [
        ImageFile(folder.path / name, f"{prefix}/{name}", split, label, wrappers) for name in folder.image_names()
    ]
    if split == "train" and not folder.count:
        folder_images.empty.append(label)


def _add_loose(folder_images: FolderImages, top: Folder, folder: Folder, split: str, *, training: bool) -> None:
    """Add the images directly in a folder: as stray ones, or, for a trained model, without a label."""
    paths = [folder.path / name for name in folder.images]
    if training:
        folder_images.stray += _names(top.path, paths)
    else:
        folder_images.files += [
            ImageFile(path, path.relative_to(top.path).as_posix(), split, NO_LABEL) for path in paths
        ]


def _split_folders(folders: Iterable[Folder]) -> dict[str, Folder]:
    """Return split -> folder, in the order of `SPLITS`, for the folders that have the name of a split."""
    named: dict[str, Folder] = {}
    for folder in folders:
        split = split_named(folder.name)
        if split is None:
            continue
        if split in named:
            raise InputError(
                f"{named[split].path} and {folder.path} both name the {split} split; keep one of them, or merge them "
                f"(if these are classes, move all classes into {folder.path.resolve().parent.name}/train/)"
            )
        named[split] = folder
    return {split: named[split] for split in SPLITS if split in named}


def _is_nested(named: dict[str, Folder]) -> bool:
    return not any(folder.images for folder in named.values())


def _is_unused(folder: Folder) -> bool:
    return is_mask_folder(folder.name) or is_unlabelled(folder.name)


def _unused_entry(top: Folder, folder: Folder) -> PassedOver:
    names = tuple(sorted(_names(top.path, folder.image_paths())))
    return PassedOver(UNLABELLED if is_unlabelled(folder.name) else MASKS, names)


def _split_class_pairs(folders: Sequence[Folder]) -> list[tuple[Folder, str, str]]:
    """Return (folder, split, rest of the name) if the names of all folders combine a split with something else.

    Either all contain class folders and no split occurs twice (`cars_train`, `cars_test`), or all contain images and
    train has every class (`train_cat`, `test_cat`).
    """
    parts = [(folder, *found) for folder in folders if (found := split_and_rest(folder.name)) is not None]
    parts += [
        (folder, split, "") for folder in folders if (split := split_named(folder.name)) and not _has_rest(folder)
    ]
    unused = [folder for folder in folders if is_unlabelled(folder.name) and folder not in [part[0] for part in parts]]
    splits = Counter(split for _, split, _ in parts)
    if len(parts) + len(unused) != len(folders) or len(splits) < 2 or "train" not in splits:
        return []
    nested = [not folder.images for folder, _, _ in parts]
    if all(nested):
        return parts if max(splits.values()) == 1 else []
    trained = {rest for _, split, rest in parts if split == "train"}
    if any(nested) or unused or len(trained) < 2 or not {rest for _, _, rest in parts} <= trained or "" in trained:
        return []
    return parts


def _has_rest(folder: Folder) -> bool:
    return split_and_rest(folder.name) is not None


def _check_no_splits_among_classes(top: Folder, named: dict[str, Folder]) -> None:
    """Refuse split folders next to other folders where both readings would make sense."""
    nested = [folder for folder in named.values() if not folder.images]
    patterns = [folder for folder in top.image_folders if not folder.images and split_and_rest(folder.name) is not None]
    shared = Counter(child.name for folder in patterns for child in folder.image_folders)
    if len(patterns) > 1 and max(shared.values(), default=0) > 1:  # my_train/cat and my_test/cat beside others
        nested = list({folder.path: folder for folder in (*nested, *patterns)}.values())
    if nested:
        others = quoted(folder.name for folder in top.image_folders if folder not in nested)
        raise InputError(
            f"{top.path} contains split folders ({quoted(folder.name for folder in nested)}) and other folders "
            f"({others}); move the other folders out of it, or, if all of them are classes, move all of them into "
            f"{top.name}/train/"
        )


def _has_splits_inside(folder: Folder) -> bool:
    """Return whether a class folder is divided into splits: only split folders, or two of them among others."""
    found = [split_named(child.name) for child in folder.image_folders]
    splits = {split for split in found if split is not None}
    return len(splits) >= 2 or (bool(splits) and None not in found and not folder.images)


def _check_splits_in_all(top: Folder, inside: list[Folder]) -> None:
    """Refuse splits in some classes only, and class folders inside the splits."""
    datasets = [
        folder.name
        for folder in inside
        if any(child.image_folders and not child.images for child in folder.image_folders)
    ]
    if datasets:
        raise InputError(
            f"{top.path} contains several datasets, each with its own splits: {quoted(datasets)}; use one of them, "
            f"such as {top.path / datasets[0]}"
        )
    bad = [
        folder.name
        for folder in top.image_folders
        if folder.images or any(split_named(child.name) is None for child in folder.image_folders)
    ]
    if bad:
        raise InputError(
            f"{top.path} has splits inside some class folders ({quoted(folder.name for folder in inside)}) but "
            f"images without a split in others ({quoted(bad)}); arrange all images as "
            f"{top.name}/<split>/<class>/*.png"
        )


def _check_no_copy_of_the_whole(top: Folder) -> None:
    """Refuse a folder among the classes that has folders named like the other classes: a second copy, or masks."""
    names = {folder.name for folder in top.image_folders}
    for folder in top.image_folders:
        repeated = sorted({child.name for child in folder.image_folders} & (names - {folder.name}))
        if not folder.images and len(repeated) == len(folder.image_folders) and repeated:
            raise InputError(
                f"{folder.path} contains folders with the names of the classes next to it ({quoted(repeated)}); if "
                f"it is a copy of the dataset or contains masks, move it out of {top.path}"
            )


def _names(root: Path, paths: Iterable[Path]) -> list[str]:
    return [path.relative_to(root).as_posix() for path in paths]
