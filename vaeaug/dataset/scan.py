"""Read the layout of a dataset: which files are images, of which class and split. No image is opened.

Three layouts are read, and told apart by these rules, the first that fits:

1. **metadata**: there is a `metadata.csv` or `metadata.jsonl` in DATA or in its split folders (see `metadata.py`).
2. **splits**: every folder in DATA that holds images has the name of a split (`train`, `training`; `val`, `valid`,
   `validation`, `dev`; `test`, `testing`; in any case). The folders in it are the classes.
3. **folders**: otherwise the folders in DATA are the classes, and all images are training images. So a class that is
   called `train` beside a class `bus` is a class. Classes that all have names of splits go into `DATA/train/<class>`.
   Two or more split folders with class folders in them beside other folders are refused: nobody could tell.

Folders below a class belong to the class. Images outside any class folder are left out and listed as `stray`.
A label that occurs only in val or test is kept there, is not among the classes, and nothing is trained on it.

For a model that is trained already (`training=False`) less is asked: a class may have one image, no split is needed,
and images outside any class folder belong to the dataset, without a label. So a folder of images will do, or one image.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from vaeaug.dataset.folders import images_below, images_directly_in, subfolders
from vaeaug.dataset.formats import is_image_name
from vaeaug.dataset.index import NO_LABEL, SPLITS, DatasetIndex, ImageFile, make_index, quoted
from vaeaug.dataset.metadata import METADATA_NAMES, find_metadata, read_metadata
from vaeaug.dataset.splits import split_named
from vaeaug.errors import InputError

__all__ = ["DatasetIndex", "ImageFile", "scan"]


def scan(data: Path, *, training: bool = True) -> DatasetIndex:
    """Find the images of a dataset.

    Args:
        data: DATA, a folder in one of the three layouts; with `training=False` also a folder of images, or one image.
        training: whether a model is to be trained on it.

    Returns:
        The files with their classes and splits, in an order that depends on their names alone.

    Raises:
        InputError: DATA is missing, not a folder, empty, laid out otherwise, or a class has fewer than two training
            images; metadata that cannot be read.
    """
    root = Path(data)
    if not root.exists():
        raise InputError(f"{root} does not exist; give a folder of images, or write a sample with: vaeaug demo {root}")
    if not training and is_image_name(root.name) and root.is_file():
        return make_index(root.parent, "folders", _unlabelled(root.parent, [root], "train"), training=False)
    if not root.is_dir():
        what = "an image" if is_image_name(root.name) else "a file"
        raise InputError(f"{root} is {what}, not a folder; give the folder that holds the class folders")
    folders = subfolders(root)
    tables = find_metadata(root, [folder for folder in folders if split_named(folder.name)])
    if tables:
        return make_index(root, "metadata", read_metadata(root, tables, labelled=training), training=training)
    stray = images_directly_in(root)
    holding = [folder for folder in folders if _holds_images(folder, root)]
    if not holding and (training or not stray):
        raise InputError(_nothing_found(root, bool(stray)))
    named = _split_folders(holding)
    if holding and len(named) == len(holding):
        return _scan_splits(root, named, stray, training=training)
    _refuse_a_mixture(root, named, holding)
    return _scan_folders(root, folders, stray, training=training)


def _scan_folders(root: Path, classes: list[Path], stray: list[Path], *, training: bool) -> DatasetIndex:
    """Read `DATA/<class>/**`: all images are training images."""
    files: list[ImageFile] = [] if training else _unlabelled(root, stray, "train")
    empty = []
    for folder in classes:
        found = _class_files(root, folder, "train", (root,))
        files += found
        if not found:
            empty.append(folder.name)
    return make_index(
        root, "folders", files, empty=empty, stray=_names(root, stray) if training else (), training=training
    )


def _scan_splits(root: Path, named: dict[str, Path], stray: list[Path], *, training: bool) -> DatasetIndex:
    """Read `DATA/<split>/<class>/**`."""
    if training and "train" not in named:
        listing = quoted(folder.name for folder in named.values())
        raise InputError(
            f"{root} has no training split, only {listing}; name one folder 'train' "
            f"(if these are your classes, put them into {root.name}/train/)"
        )
    files: list[ImageFile] = [] if training else _unlabelled(root, stray, "train")
    empty = []
    loose = list(stray) if training else []
    for split, folder in named.items():
        classes = subfolders(folder)
        direct = images_directly_in(folder)
        split_files: list[ImageFile] = []
        if training:
            loose += direct
        else:
            split_files += _unlabelled(root, direct, split)
        for class_folder in classes:
            found = _class_files(root, class_folder, split, (root, folder))
            split_files += found
            if split == "train" and not found:
                empty.append(class_folder.name)
        if training and split == "train" and not split_files:
            raise InputError(
                f"{folder} holds images but no class folders; lay them out as {root.name}/{folder.name}/<class>/*.png "
                f"(if {folder.name!r} is itself a class, put it into {root.name}/train/)"
            )
        files += split_files
    return make_index(root, "splits", files, empty=empty, stray=_names(root, loose), training=training)


def _class_files(root: Path, folder: Path, split: str, inside: tuple[Path, ...]) -> list[ImageFile]:
    """Return the images of one class folder."""
    return [
        ImageFile(path, path.relative_to(root).as_posix(), split, folder.name)
        for path in images_below(folder, inside=inside)
    ]


def _unlabelled(root: Path, paths: Iterable[Path], split: str) -> list[ImageFile]:
    """Return images that lie in no class folder."""
    return [ImageFile(path, path.relative_to(root).as_posix(), split, NO_LABEL) for path in paths]


def _holds_images(folder: Path, root: Path) -> bool:
    return next(images_below(folder, inside=(root,)), None) is not None


def _split_folders(folders: Iterable[Path]) -> dict[str, Path]:
    """Return split -> folder, in the order of `SPLITS`, for the folders that have the name of a split."""
    named: dict[str, Path] = {}
    for folder in folders:
        split = split_named(folder.name)
        if split is None:
            continue
        if split in named:
            raise InputError(
                f"{named[split]} and {folder} both name the {split} split; keep one of them, or merge them"
            )
        named[split] = folder
    return {split: named[split] for split in SPLITS if split in named}


def _refuse_a_mixture(root: Path, named: dict[str, Path], holding: list[Path]) -> None:
    """Refuse split folders beside other folders when both readings would make sense."""
    nested = [folder for folder in named.values() if not images_directly_in(folder)]
    if len(nested) >= 2:
        others = quoted(folder.name for folder in holding if folder not in named.values())
        raise InputError(
            f"{root} mixes split folders ({quoted(folder.name for folder in nested)}) with others ({others}); move the "
            f"others out of it, or, if all are classes, put all of them into {root.name}/train/"
        )


def _nothing_found(root: Path, has_images: bool) -> str:
    """Return the message for a folder without classes."""
    layout = (
        f"lay them out as {root.name}/<class>/*.png, a folder a class, or add a {METADATA_NAMES[0]} (file_name,label)"
    )
    if has_images:
        return f"{root} holds images but no class folders; {layout}"
    return f"{root} holds no images (PNG, JPEG, BMP, WebP or TIFF); {layout}"


def _names(root: Path, paths: Iterable[Path]) -> list[str]:
    return [path.relative_to(root).as_posix() for path in paths]
