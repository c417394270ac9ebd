"""Read the layout of a dataset: its images with their classes and splits. No image is opened.

The layouts, in the order in which they are tried:

1. **table**: the table given with `--labels`; a `metadata.csv`, `.jsonl` or `.parquet` in DATA or in its split folders
   (a Hugging Face imagefolder); or any table with columns for file and label that lists the images (`labels.csv`).
2. **splits**: all folders in DATA that contain images have names of splits (`train`, `Training`, `valid_set`, `test`,
   `holdout`, ...; see `splits.py`), and the folders in them are the classes. Masks next to them, as `ground_truth` in
   MVTec AD, are not used. So is `DATA/<class>/<split>/` if all classes are divided so, and `DATA/<split>_<class>/`.
3. **folders**: otherwise the folders in DATA are the classes, and all images are training images. So a class that is
   called `train` beside a class `bus` is a class. Classes that all have names of splits go into `DATA/train/<class>`.

If DATA contains nothing but one folder with the dataset in it, that folder is read (`DATA/photos/train/<class>/`).
Folders below a class belong to the class. What could be read in two ways, and what has no class per image
(`mask_files.py`, `layouts.py`), is refused. A label that occurs only in val or test is kept there, is not among the
classes, and nothing is trained on it.

For a model that is trained already (`training=False`) less is required: a class may have one image, no split is
needed, and images outside any class folder belong to the dataset, without a label. So a folder of images is enough, or
one image.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Literal

from vaeaug.dataset.class_folders import FolderImages, read_class_folders
from vaeaug.dataset.find_tables import RECORD_NAME, find_label_tables, find_metadata, find_unlabelled_table
from vaeaug.dataset.folder_kinds import is_generic
from vaeaug.dataset.formats import NAMES as FORMAT_NAMES
from vaeaug.dataset.formats import is_image_name
from vaeaug.dataset.index import NO_LABEL, DatasetIndex, ImageFile, make_index
from vaeaug.dataset.label_forms import unify_labels
from vaeaug.dataset.labelled_images import (
    LabelledTable,
    TableImages,
    disagreement,
    read_labelled,
    repeats_folders,
)
from vaeaug.dataset.layouts import check_has_classes
from vaeaug.dataset.mask_files import masks_in
from vaeaug.dataset.passed_over import MASKS, STRAY, UNLISTED, PassedOver, other_files, summary
from vaeaug.dataset.reading_options import AUTOMATIC, NO_TABLE, LabelOptions
from vaeaug.dataset.splits import split_named
from vaeaug.dataset.table_columns import choose_columns
from vaeaug.dataset.tables import read_table
from vaeaug.dataset.tree import Folder, read_tree
from vaeaug.errors import InputError, quoted

__all__ = ["DatasetIndex", "ImageFile", "LabelOptions", "scan"]

_IMAGES_PER_STRAY = 20
"""A folder with less than one image directly in it for this many images contains stray images, and is not a class."""

Source = Literal["given", "metadata", "found"]

_OUTPUT_FILES = frozenset(("manifest.csv", "README.md", "report.html", RECORD_NAME))
"""Files that vaeaug itself writes next to images: nothing that a dataset passes over."""


def scan(data: Path, *, training: bool = True, options: LabelOptions = AUTOMATIC) -> DatasetIndex:
    """Find the images of a dataset, in an order that depends only on their names.

    Args:
        data: a folder in one of the layouts; unless `training`, also a folder of images, or one image.
    """
    root = Path(data)
    if not root.exists():
        sample = f", or write a sample with: vaeaug demo {root}" if training else ""
        raise InputError(f"{root} does not exist; give a folder of images{sample}")
    if not training and is_image_name(root.name) and root.is_file():
        file = ImageFile(root, root.name, "train", NO_LABEL)
        return make_index(root.parent, "folders", [file], training=False)
    if not root.is_dir():
        what = "an image" if is_image_name(root.name) else "a file"
        raise InputError(f"{root} is {what}, not a folder; give the folder that contains the class folders")
    top = read_tree(root)
    tables = _tables(top, options, training=training)
    if tables is not None:
        return _read_tables(top, *tables, training=training)
    return _read_folders(top, training=training, ignore=options.labels == NO_TABLE)


def _tables(top: Folder, options: LabelOptions, *, training: bool) -> tuple[Folder, list[LabelledTable], Source] | None:
    """Return the folder that the tables describe, the tables, and how they were found; None if there are none."""
    names = (options.file_column, options.label_column)
    if options.labels == NO_TABLE:
        return None
    if options.labels is not None:
        path = Path(options.labels).expanduser()
        inside = top.path / path
        given = _labelled(inside if inside.is_file() and not path.is_file() else path, names, training=training)
        return top, [given], "given"
    metadata = find_metadata(top)
    if metadata:
        return top, [_labelled(path, names, training=training) for path in metadata], "metadata"
    for level in _levels(top):
        found = find_label_tables(level, *names)
        if found:
            return level, found, "found"
    if any(names):
        flag = "--file-column" if options.file_column else "--label-column"
        raise InputError(
            f"{flag} names a column of a table, but no table lists the images of {top.path}; give --labels FILE"
        )
    return None


def _labelled(path: Path, names: tuple[str | None, str | None], *, training: bool) -> LabelledTable:
    table = read_table(path)
    columns = choose_columns(table, *names)
    if training and not columns.labelled:
        raise InputError(
            f"{path} has no column 'label' (it has {quoted(table.columns)}); add it, name the column with "
            "--label-column, or use the folder names with --labels none"
        )
    return LabelledTable(table, columns)


def _levels(top: Folder) -> Iterator[Folder]:
    """Yield DATA, and the only folder with images in it for as long as there is nothing else."""
    level = top
    yield level
    while not level.images and len(level.image_folders) == 1:
        level = level.image_folders[0]
        yield level


def _read_tables(
    data: Folder, top: Folder, tables: list[LabelledTable], source: Source, *, training: bool
) -> DatasetIndex:
    """Read the images that tables list; `top` is DATA or the folder in it that they are about."""
    read = read_labelled(top, tables, training=training)
    names = " and ".join(labelled.table.path.name for labelled in tables)
    notes = []
    if source != "given":
        differing = disagreement(read)
        if differing is not None:
            example, in_table, in_folder, count = differing
            more = "" if count == 1 else f", and {count - 1} more images differ"
            raise InputError(
                f"{names} labels {example!r} as {in_table!r}, but its folder is called {in_folder!r}{more}; choose the "
                f"table with --labels {tables[0].table.path}, or the folders with --labels none"
            )
        has_splits = any(labelled.split or labelled.columns.split for labelled in tables)
        if source == "found" and repeats_folders(read) and not has_splits:
            return _read_folders(data, training=training, table=_relative_to_data(data, top, read))
        columns = tables[0].columns
        label = f"columns {columns.file!r} and {columns.label!r}" if columns.label else "one column per class"
        notes = [f"labels were read from {names} ({label}); --labels none ignores it"]
    listed = _relative_to_data(data, top, read)
    unlisted = (name for name in data.image_names() if name not in listed.rows)
    passed_over = [
        *other_files(_others(data, [labelled.table.path for labelled in tables])),
        *_entry(UNLISTED, unlisted),
    ]
    files, merged = unify_labels(listed.files, training=training)
    return make_index(
        data.path,
        "metadata",
        files,
        passed_over=passed_over,
        notes=[*notes, *merged],
        table=listed.rows,
        training=training,
    )


def _read_folders(
    data: Folder, *, training: bool, table: TableImages | None = None, ignore: bool = False
) -> DatasetIndex:
    """Read the images by the names of the folders."""
    if not data.image_folders and (training or not data.images):
        if training and data.images:
            check_has_classes(data)
        raise InputError(_nothing_found(data))
    top, notes = _unwrapped(data, training=training)
    masks = masks_in(top)
    top = top.filter(lambda path: path not in masks) if masks else top
    if training:
        check_has_classes(top)
    folder_images = read_class_folders(top, training=training)
    below = _relative_to_data(data, top, TableImages(folder_images.files)).files
    files, merged = unify_labels(below, training=training)
    if training and len({file.label for file in files}) == 1 and not ignore:
        _check_no_table_lists(data)
    prefix = top.path.relative_to(data.path)
    stray = [(prefix / name).as_posix() for name in folder_images.stray]
    passed_over = [
        *other_files(_others(data, [])),
        *_entry(STRAY, [*stray, *(data.images if top.path != data.path else ())]),
        *_entry(MASKS, (_name(data, path) for path in masks)),
        *(
            replace(entry, files=tuple((prefix / name).as_posix() for name in entry.files))
            for entry in folder_images.passed_over
        ),
    ]
    return make_index(
        data.path,
        folder_images.layout,
        files,
        empty=folder_images.empty,
        passed_over=passed_over,
        notes=[*notes, *_generic_class_note(folder_images), *folder_images.notes, *merged],
        table=None if table is None else table.rows,
        training=training,
    )


def _check_no_table_lists(data: Folder) -> None:
    """Check that no table beside a single class folder lists the images: it may contain the labels."""
    for level in _levels(data):
        table = find_unlabelled_table(level)
        if table is not None:
            raise InputError(
                f"{table.path} lists the images of {level.path}, which are in one folder, but none of its columns is "
                f"recognized as labels (it has {quoted(table.columns)}); name one with --label-column, or read all "
                "images as one class with --labels none"
            )


def _relative_to_data(data: Folder, top: Folder, read: TableImages) -> TableImages:
    prefix = top.path.relative_to(data.path)
    depth = len(prefix.parts)
    if not depth:
        return read
    files = [
        replace(file, file_name=(prefix / file.file_name).as_posix(), wrappers=file.wrappers + depth)
        for file in read.files
    ]
    return TableImages(files, {(prefix / name).as_posix(): row for name, row in read.rows.items()})


def _name(data: Folder, path: Path) -> str:
    return path.relative_to(data.path).as_posix()


def _unwrapped(data: Folder, *, training: bool) -> tuple[Folder, list[str]]:
    """Return the folder that the dataset is in: DATA, or the only folder in it, and a note on the latter."""
    top = data
    while len(top.image_folders) == 1 and (training or not top.images) and _is_wrapper(top.image_folders[0]):
        top = top.image_folders[0]
    if top is data:
        return data, []
    inner = top.path.relative_to(data.path).as_posix()
    note = f"{data.name} contains only the folder {inner!r}, which was read as the dataset"
    if not any(split_named(folder.name) for folder in top.image_folders):
        note += f"; if it is one class, move it into {data.name}/train/"
    return top, [note]


def _is_wrapper(folder: Folder) -> bool:
    """Return whether the only folder in DATA contains the classes or splits, and is not itself a class or a split."""
    inner = folder.image_folders
    if not inner or len(folder.images) * _IMAGES_PER_STRAY > folder.count:
        return False
    splits = [split_named(child.name) is not None for child in inner]
    if split_named(folder.name):
        return len(inner) > 1 and all(splits) and not any(child.images for child in inner)
    if all(splits):
        return any(not child.images for child in inner)
    return len(inner) > 1 or is_generic(folder.name) or _is_wrapper(inner[0])


def _generic_class_note(folder_images: FolderImages) -> list[str]:
    labels = {file.label for file in folder_images.files} - {NO_LABEL}
    if len(labels) == 1 and is_generic(label := next(iter(labels))) and not split_named(label):
        return [f"all images were read as one class, {label!r}"]
    return []


def _entry(reason: str, names: Iterable[str]) -> list[PassedOver]:
    listed = tuple(sorted(names))
    return [PassedOver(reason, listed)] if listed else []


def _others(top: Folder, used: list[Path]) -> list[str]:
    """Return the files that are no images, without the tables that were read and what vaeaug wrote itself."""
    outputs = [folder.path for folder in top.walk() if RECORD_NAME in folder.others]
    own = {folder / name for folder in outputs for name in _OUTPUT_FILES}
    skipped = {*used, *own}
    return [path.relative_to(top.path).as_posix() for path in top.other_paths() if path not in skipped]


def _nothing_found(top: Folder) -> str:
    """Return the message for a folder without classes."""
    layout = f"arrange them as {top.name}/<class>/*.png, one folder per class, or add a metadata.csv (file_name,label)"
    if top.images:
        return f"{top.path} contains images but no class folders; {layout}"
    others = summary(other_files(_others(top, [])))
    return f"{top.path} contains no images ({FORMAT_NAMES}){'' if others is None else f', {others}'}; {layout}"
