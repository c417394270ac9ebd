"""Images and their holes, read before any image is completed, and the warnings about them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from vaeaug.dataset.contents import content_digest
from vaeaug.dataset.decode import read_file
from vaeaug.dataset.index import ImageFile
from vaeaug.dataset.rules import DecodeRules
from vaeaug.export.class_format import ClassFormat
from vaeaug.export.completed_in_class_format import ClassFormatFile
from vaeaug.inpainting.files.animation import check_later_frames
from vaeaug.inpainting.files.opening import CompletedFile, open_completed
from vaeaug.inpainting.picture import read_picture, with_channels
from vaeaug.inpainting.sources import HoleSource

MAX_FRACTION = 0.75
"""Fraction of missing pixels above which a mask may be inverted."""


@dataclass(frozen=True, slots=True)
class CheckedImage:
    """An image and its holes.

    Attributes:
        fraction: fraction of the pixels that are missing, of the pages that have holes.
        size: height and width in pixels of the first page that has holes, otherwise of the first page.
        pages: the pages that have holes, from 0.
        changed: whether its completion is a file of another format.
    """

    origin: str
    fraction: float
    size: tuple[int, int]
    digest: str
    suffixes: tuple[str, ...]
    pages: tuple[int, ...]
    file_pages: int
    frames: int
    changed: bool
    notes: str


def open_image(data: bytes, rules: DecodeRules, kind: ClassFormat | None) -> CompletedFile:
    """Open an image to complete it in its own file, or as an image of its class.

    Raises:
        UnreadableImageError: if it cannot be decoded.
    """
    return open_completed(data, rules) if kind is None else ClassFormatFile(data, rules, kind)


def check_image(
    file: ImageFile, source: HoleSource, channels: int, rules: DecodeRules, kind: ClassFormat | None
) -> CheckedImage:
    """Read an image and its holes.

    If `kind` is given, the holes are cut at random, so they hide no colour.

    Raises:
        UnreadableImageError: if the image or its mask cannot be read.
    """
    data = read_file(file.path)
    opened = open_image(data, rules, kind)
    origins: dict[str, None] = {}
    notes: dict[str, None] = {}
    digest = content_digest(data)
    pages: list[int] = []
    missing_pixels = pixels = 0
    size: tuple[int, int] | None = None
    for page in range(opened.pages):
        picture = read_picture(opened, page, rules)
        holes = source.holes(file.file_name, picture)
        with_channels(channels, picture, holes.missing_HW & (kind is None))
        digest += content_digest(holes.missing_HW.tobytes())
        origins |= dict.fromkeys([holes.source] if holes.source else [])
        notes |= dict.fromkeys([holes.note] if holes.note else [])
        if holes.missing_HW.any():
            if opened.frames > opened.pages and not opened.changed:
                check_later_frames(opened, picture.samples, holes.missing_HW)
            size = size if pages else picture.size
            pages.append(page)
            missing_pixels += int(holes.missing_HW.sum())
            pixels += holes.missing_HW.size
        size = size or picture.size
    return CheckedImage(
        origin=" ".join(origins),
        fraction=missing_pixels / max(pixels, 1),
        size=size or (0, 0),
        digest=digest,
        suffixes=opened.suffixes,
        pages=tuple(pages),
        file_pages=opened.pages,
        frames=opened.frames,
        changed=opened.changed,
        notes="; ".join(notes),
    )


def image_warnings(checked: Mapping[str, CheckedImage]) -> tuple[str, ...]:
    """Return the warnings about the completed files and their masks."""
    completed = {name: entry for name, entry in checked.items() if entry.fraction}

    def matching(condition: Callable[[CheckedImage], bool]) -> list[str]:
        return [name for name, entry in completed.items() if condition(entry)]

    notes = []
    if names := matching(lambda entry: entry.changed):
        notes.append(
            "completed images are PNG files (CMYK images: TIFF files) if their own format, such as JPEG, cannot store "
            f"visible pixels without loss: {first_names(names)} ({len(names):,} in all)"
        )
    if names := matching(lambda entry: entry.changed and entry.frames > 1):
        notes.append(f"further pictures in these files were left out: {first_names(names)} ({len(names):,} in all)")
    if names := matching(lambda entry: not entry.changed and entry.frames > entry.file_pages):
        notes.append(
            f"only the first frame of an animation is completed; the others are unchanged: {first_names(names)} "
            f"({len(names):,} in all)"
        )
    if names := matching(lambda entry: len(entry.pages) < entry.file_pages):
        notes.append(
            f"pages without holes are unchanged: {first_names(names)} ({len(names):,} in all); a mask with one page "
            "applies to the first page, and a mask with as many pages as the image has one mask per page"
        )
    if names := matching(lambda entry: MAX_FRACTION < entry.fraction < 1):
        notes.append(
            f"more than {MAX_FRACTION:.0%} of the pixels are missing in {first_names(names)} ({len(names):,} in all); "
            "white is missing, so invert the masks if you meant black"
        )
    notes += list(
        dict.fromkeys(f"mask {note}" for entry in checked.values() for note in entry.notes.split("; ") if note)
    )
    return tuple(notes)


def first_names(names: Iterable[str]) -> str:
    """Return the first three names, and whether there are more."""
    listed = list(names)
    return ", ".join(listed[:3]) + (" and others" if len(listed) > 3 else "")
