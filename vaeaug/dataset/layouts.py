"""Recognize layouts without a class per image, such as `images/` with annotations, which are no class folders."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from itertools import islice
from pathlib import Path

from vaeaug.dataset.folder_kinds import is_generic
from vaeaug.dataset.folder_words import IMAGE_WORDS, word_set, words
from vaeaug.dataset.splits import split_named
from vaeaug.dataset.tree import Folder
from vaeaug.errors import InputError, quoted

Recognizer = Callable[[list[Path], set[str]], str | None]

_MAX_OPENED = 8
"""Files of a kind that are opened."""

_HEAD_BYTES = 65_536
_BOX = re.compile(r"\d+(\s+-?\d*\.?\d+(e-?\d+)?){4,}\s*", re.IGNORECASE)
_LABEL_SUFFIXES = word_set(
    ".csv .tsv .xls .xlsx .ods .parquet .json .jsonl .ndjson .mat .npy .npz .h5 .hdf5 .pkl .pickle .db .sqlite"
)
_LABEL_TEXT = re.compile(r"label|class|categor|target|annot|train|test|val|split|list|map", re.IGNORECASE)
_PART_WORDS = frozenset(("part", "batch", "shard", "chunk", "fold"))


def check_has_classes(top: Folder) -> None:
    """Raise InputError if the folder names of a training dataset are not class names."""
    folders = _image_folders(top)
    if not all(is_generic(part) for parts in folders for part in parts):
        _check_no_parts(top)
        return
    others = list(top.other_paths())
    stems = {path.stem for path in islice(top.image_paths(), 100_000)}
    for recognize in (_yolo, _coco, _labelme, _voc):
        layout = recognize(others, stems)
        if layout is not None:
            raise InputError(
                f"{top.path} has the layout of {layout}; vaeaug reads one class per image: arrange the images as "
                f"{top.name}/<class>/*.png, or list the class of each image in a table with the columns file_name "
                "and label: --labels FILE"
            )
    tables = [path for path in others if _may_hold_labels(path)]
    if tables:
        raise InputError(
            f"the folder names in {top.path} are not class names ({_listed(folders)}), but "
            f"{quoted((path.relative_to(top.path).as_posix() for path in tables), 3)} may contain the classes; give "
            "a CSV, TSV, JSONL or Parquet table with --labels FILE (with --file-column and --label-column if its "
            f"columns are not named file_name and label), or arrange the images as {top.name}/<class>/*.png"
        )
    plain = {parts[-1] for parts in folders if parts and not split_named(parts[-1])}
    if len(plain) > 1:
        raise InputError(
            f"the folder names in {top.path} are not class names ({_listed(folders)}); arrange the images as "
            f"{top.name}/<class>/*.png, or list their classes in a table: --labels FILE"
        )


def _image_folders(top: Folder) -> list[tuple[str, ...]]:
    """Return the paths of all folders with images directly in them, below the folders that contain all of them."""
    base = top
    while not base.images and len(base.image_folders) == 1 and not base.image_folders[0].images:
        base = base.image_folders[0]
    return [folder.path.relative_to(base.path).parts for folder in base.walk() if folder.images]


def _listed(folders: Iterable[tuple[str, ...]]) -> str:
    return quoted(dict.fromkeys("/".join(parts) or "." for parts in folders), 3)


def _check_no_parts(top: Folder) -> None:
    """Refuse folders such as `HAM10000_images_part_1` and `..._part_2`: one set of images in pieces."""
    names = [folder.name for folder in top.image_folders]
    without_numbers = {tuple(word for word in words(name) if not word.isdigit()) for name in names}
    if len(names) > 1 and len(without_numbers) == 1 and set(*without_numbers) & (IMAGE_WORDS | _PART_WORDS):
        raise InputError(
            f"the folders of {top.path} are numbered parts of one set of images ({quoted(names, 3)}), not classes; "
            f"list the class of each image in a table (--labels FILE), or arrange them as {top.name}/<class>/*.png"
        )


def _yolo(others: list[Path], stems: set[str]) -> str | None:
    texts = [path for path in others if path.suffix.lower() == ".txt" and path.stem in stems]
    if any(_is_boxes(path) for path in texts[:_MAX_OPENED]):
        return "a YOLO detection dataset (boxes in .txt files)"
    configs = [path for path in others if path.suffix.lower() in (".yaml", ".yml")]
    if texts and any(re.search(r"^\s*(nc|names)\s*:", _head(path), re.MULTILINE) for path in configs[:_MAX_OPENED]):
        return "a YOLO detection dataset (boxes in .txt files)"
    return None


def _is_boxes(path: Path) -> bool:
    lines = _head(path).splitlines()
    return bool(lines) and all(_BOX.fullmatch(line) for line in lines[:20] if line.strip())


def _coco(others: list[Path], stems: set[str]) -> str | None:  # noqa: ARG001 (a recognizer takes both)
    for path in islice((path for path in others if path.suffix.lower() == ".json"), _MAX_OPENED):
        head = _head(path)
        keys = {key for key in ("images", "annotations", "categories", "licenses", "info") if f'"{key}"' in head}
        if len(keys) >= 2 or re.search(r'"(bbox|segmentation|image_id)"', head):
            return f"a COCO detection dataset (boxes in {path.name})"
    return None


def _labelme(others: list[Path], stems: set[str]) -> str | None:
    jsons = [path for path in others if path.suffix.lower() == ".json" and path.stem in stems]
    if any('"shapes"' in _head(path) for path in jsons[:_MAX_OPENED]):
        return "a LabelMe dataset (polygons in .json files)"
    return None


def _voc(others: list[Path], stems: set[str]) -> str | None:
    xmls = [path for path in others if path.suffix.lower() == ".xml" and path.stem in stems]
    if any("<annotation" in _head(path) for path in xmls[:_MAX_OPENED]):
        return "a Pascal VOC detection dataset (boxes in .xml files)"
    return None


def _may_hold_labels(path: Path) -> bool:
    suffix = path.suffix.lower()
    return suffix in _LABEL_SUFFIXES or (suffix in (".txt", ".lst", ".dat") and bool(_LABEL_TEXT.search(path.stem)))


def _head(path: Path) -> str:
    """Return the beginning of a text file, or nothing if it cannot be read."""
    try:
        with path.open("rb") as stream:
            return stream.read(_HEAD_BYTES).decode("utf-8", errors="replace")
    except OSError:
        return ""
