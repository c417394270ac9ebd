"""Masks that belong to the images of a dataset: files and folders that must not become a class."""

from __future__ import annotations

import re
from pathlib import Path

from vaeaug.dataset.folder_kinds import is_generic, is_image_folder, is_mask_folder
from vaeaug.dataset.folder_words import MASK_WORDS
from vaeaug.dataset.splits import split_named
from vaeaug.dataset.tree import Folder
from vaeaug.errors import InputError

_MASK = re.compile(
    r"(.+?)[ _.\-](?:mask|masks|seg|segmentation|gt|groundtruth|ground_truth|label|labels|annotation|trimap)"
    r"(?:[ _.\-]?\d+)?",
    re.IGNORECASE,
)
_PREFIXED = re.compile(r"(?:mask|seg|segmentation|gt|label)([ _.\-])(.+)", re.IGNORECASE)
_PLURAL = frozenset(("masks", "gt", "groundtruth", "annotations", "segmentation", "segmentations", "trimaps"))


def masks_in(top: Folder) -> set[Path]:
    """Return the images that are masks of other images according to their names.

    These are files such as `1_mask.png` or `mask_1.png` next to `1.png`, everything in `cat_masks/` next to `cat/`, and
    everything in `cat/masks/` next to `cat/images/`.
    """
    found: set[Path] = set()
    for folder in top.walk():
        found.update(folder.path / name for name in _mask_names(folder.images))
        beside = _mask_folders(folder)
        if beside and (folder is top or split_named(folder.name) or is_generic(folder.name)):
            images, masks = beside[0]
            raise InputError(
                f"{folder.path} has the layout of a segmentation dataset: images in {images.name!r}, their masks in "
                f"{masks.name!r}; vaeaug reads one class per image: arrange the images as {top.name}/<class>/*.png "
                "without the masks, or list their classes in a table (--labels FILE); commands that use a trained "
                f"model need no classes and read {images.path}"
            )
        for _, masks in (*beside, *_named_after_siblings(folder)):
            found.update(masks.image_paths())
    _check_no_masks_among_classes(top)
    return found


def _mask_names(names: tuple[str, ...]) -> list[str]:
    stems = {Path(name).stem for name in names}

    def is_mask(stem: str) -> bool:
        if (after := _MASK.fullmatch(stem)) is not None and after.group(1) in stems:
            return True
        before = _PREFIXED.fullmatch(stem)
        if before is None:
            return False
        separator, rest = before.groups()
        return any(base in stems for base in (rest, f"img{separator}{rest}", f"image{separator}{rest}"))

    return [name for name in names if is_mask(Path(name).stem)]


def _mask_folders(folder: Folder) -> list[tuple[Folder, Folder]]:
    """Return (images, masks) for the folders of masks beside a folder called `images` or a split of images."""
    image_folders = folder.image_folders
    images = next((child for child in image_folders if _is_of_images(child)), None)
    if images is None:
        return []
    return [(images, child) for child in image_folders if child is not images and is_mask_folder(child.name)]


def _is_of_images(folder: Folder) -> bool:
    """Return whether masks beside a folder may belong to its images: `images`, `raw`, `train/*.png`."""
    if is_image_folder(folder.name):
        return True
    return bool(folder.images) if split_named(folder.name) else is_generic(folder.name)


def _named_after_siblings(folder: Folder) -> list[tuple[Folder, Folder]]:
    by_name = {child.name: child for child in folder.image_folders}
    pairs = []
    for child in folder.image_folders:
        match = _MASK.fullmatch(child.name)
        if match is not None and match.group(1) in by_name:
            pairs.append((by_name[match.group(1)], child))
    return pairs


def _check_no_masks_among_classes(top: Folder) -> None:
    """Refuse `masks` beside class folders if each of its files is named after an image of a class."""
    masks = next((child for child in top.image_folders if _is_plural(child.name)), None)
    if masks is None or split_named(masks.name) or any(split_named(child.name) for child in top.image_folders):
        return
    images = {path.stem for child in top.image_folders if child is not masks for path in child.image_paths()}
    if images and all(_base(path.stem) in images for path in masks.image_paths()):
        raise InputError(
            f"{masks.path} seems to contain the masks of the images next to it; move it out of {top.path}, or, if it "
            f"is a class, rename it, for example to class_{masks.name}"
        )


def _is_plural(name: str) -> bool:
    return is_mask_folder(name) and re.sub(r"[^a-z]", "", name.lower()) in _PLURAL & MASK_WORDS


def _base(stem: str) -> str:
    match = _MASK.fullmatch(stem)
    return stem if match is None else match.group(1)
