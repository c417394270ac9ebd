"""Mask files: images next to the images, white where a pixel is missing.

- A mask has the relative path and stem of its image, with any image suffix; `_mask`, `_mask001` and similar may follow
  the stem. Several masks of one image are combined. A single file instead of a folder is the mask of every image. If
  masks are in the folder of the images, only files with such a suffix are masks.
- On a transparent canvas, the painted part is missing (alpha of 128 and more); if it is painted in black and white
  only, only its white part. Other masks are read as gray: the upper half of the range is missing (128 and more for 8
  bits). A mask with only the values 0 and 1 is rejected as ambiguous.
- For an image with several pages (TIFF), a mask has one page, for the first page, or as many pages as the image.
- A mask of another size is resized by nearest pixel if both sides are scaled by the same factor (up to rounding, and at
  most 1 % apart). Otherwise it is rejected.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vaeaug.dataset.decode import UnreadableImageError, decode_upright, read_file
from vaeaug.dataset.folders import images_below
from vaeaug.dataset.rules import DEFAULT_RULES, DecodeRules
from vaeaug.errors import InputError
from vaeaug.inpainting.files.opening import open_completed
from vaeaug.inpainting.files.samples import OPAQUE
from vaeaug.inpainting.picture import Picture
from vaeaug.inpainting.sources import Holes

THRESHOLD = 128
"""Least gray level that is missing."""

MAX_DISTORTION = 0.01
"""Greatest relative difference of the factors by which the two sides of a mask are resized."""

_SUFFIX = re.compile(r"_mask\d*$")


class MaskFiles:
    """The masks of a folder, or one mask file for all images."""

    def __init__(self, location: Path, images: Path, rules: DecodeRules = DEFAULT_RULES) -> None:
        if not location.exists():
            raise InputError(f"{location} does not exist; --masks takes the folder of the masks")
        self.location, self._rules = location, rules
        folder, root = location.resolve(), (images if images.is_dir() else images.parent).resolve()
        self._beside = location.is_dir() and folder == root
        self._inside = folder if location.is_dir() and folder != root and folder.is_relative_to(root) else None
        self._one = None if location.is_dir() else location
        self._matched = False
        self._by_image: defaultdict[str, list[Path]] = defaultdict(list)
        for path in sorted(images_below(location)) if self._one is None else ():
            for name in self._images_of(path):
                self._by_image[name].append(path)

    def is_mask(self, image: Path) -> bool:
        """Return whether a file among the images is a mask and no image."""
        if self._inside is not None:
            return image.resolve().is_relative_to(self._inside)
        return self._beside and _SUFFIX.search(image.stem) is not None

    def of(self, file_name: str) -> list[Path]:
        """Return the masks of an image, sorted."""
        if self._one is not None:
            return [self._one]
        path = PurePosixPath(file_name)
        return self._by_image.get(str(path.parent / path.stem), [])

    def holes(self, file_name: str, picture: Picture) -> Holes:
        """Return the holes of an image according to its masks; nothing is missing if it has none."""
        missing_HW = np.zeros(picture.size, dtype=np.bool_)
        names, notes = [], []
        for path in self.of(file_name):
            name = path.name if self._one is not None else path.relative_to(self.location).as_posix()
            try:
                mask = read_mask(path, picture.page, picture.pages, self._rules)
                missing_HW |= np.False_ if mask is None else resized(mask.missing_HW, *picture.size)
            except UnreadableImageError as error:
                turned = " (masks are upright, as the image is shown)" if picture.samples.orientation > 4 else ""
                raise UnreadableImageError(f"its mask {name}: {error}{turned}") from error
            if mask is not None:
                names.append(name)
                notes += [f"{name} {mask.note}"] if mask.note else []
            self._matched = True
        return Holes(missing_HW, " ".join(names), "; ".join(notes))

    def unused(self, file_names: Iterable[str]) -> list[str]:
        """Return the masks that belong to none of the images, sorted."""
        used = {path for name in file_names for path in self.of(name)}
        every = {path for paths in self._by_image.values() for path in paths}
        return sorted(path.relative_to(self.location).as_posix() for path in every - used)

    def no_holes_message(self) -> str:
        """Return the error message if no image has a hole."""
        if self._matched or self._one is not None:
            return (
                f"the masks in {self.location} have no white pixel for any of the images; missing pixels are white "
                "(128 to 255), or painted on a transparent canvas"
            )
        return (
            f"no image has a mask in {self.location}; a mask has the same relative path as its image, such as a/1.png "
            "or a/1_mask.png for a/1.jpg"
        )

    def _images_of(self, path: Path) -> list[str]:
        """Return the images, without suffix, that a mask file may belong to."""
        relative = PurePosixPath(path.relative_to(self.location).as_posix())
        bare = _SUFFIX.sub("", relative.stem)
        stems = [bare] if self._beside else list(dict.fromkeys((relative.stem, bare)))
        if self._beside and bare == relative.stem:
            return []  # an image
        return [str(relative.parent / stem) for stem in stems]


@dataclass(frozen=True, slots=True, eq=False)
class Mask:
    """One page of a mask file.

    Attributes:
        missing_HW: True where a pixel is missing, at the mask's own size.
        note: a warning about it, as the end of a sentence, or empty.
    """

    missing_HW: NDArray[np.bool_]
    note: str = ""


def read_mask(path: Path, page: int = 0, pages: int = 1, rules: DecodeRules = DEFAULT_RULES) -> Mask | None:
    """Return the missing pixels of a page according to a mask file; None if it has no mask for this page."""
    file = open_completed(read_file(path), rules)
    if file.pages not in (1, pages):
        raise UnreadableImageError(
            f"it has {file.pages} pages, but the image has {pages}; a mask has one page (for the first page of the "
            "image) or as many pages as the image"
        )
    if page >= file.pages:
        return None
    image = decode_upright(file.view(page), rules)
    opacity_HW = _opacity(image)
    gray_HW, middle = _gray(image)
    if opacity_HW is None or opacity_HW.min() >= OPAQUE:
        if gray_HW.max() == 1 and middle > 1:
            raise UnreadableImageError("its values are 0 and 1, which both count as black; save it with 0 and 255")
        return Mask(gray_HW >= middle)
    painted_HW = opacity_HW >= OPAQUE
    if not painted_HW.any():
        return Mask(painted_HW, "is fully transparent, so nothing is missing")
    strokes = gray_HW[opacity_HW == 255]
    black, white = strokes <= middle / 8, strokes >= middle * 15 / 8
    if black.any() and white.any() and (black | white).all():
        return Mask(painted_HW & (gray_HW >= middle))
    return Mask(painted_HW)


def _opacity(image: Image.Image) -> NDArray[np.uint8] | None:
    """Return the 8-bit opacity of every pixel, (H, W); None if the file has no transparency."""
    if image.mode not in ("LA", "PA", "RGBA", "La", "RGBa") and "transparency" not in image.info:
        return None
    return np.asarray(image.convert("RGBA"))[..., 3]


def _gray(image: Image.Image) -> tuple[NDArray[np.float64], float]:
    """Return the gray value of every pixel, (H, W), ignoring opacity, and the smallest value that counts as white.

    More than 8 bits: values within 0 ... 255 are taken as they are; otherwise they have 16 bits. Floats within 0 ... 1
    are white from 0.5 on.
    """
    if image.mode == "F" or image.mode.startswith("I"):
        values_HW = np.asarray(image).astype(np.float64)
        high = values_HW.max()
        if image.mode == "F" and high <= 1:
            return values_HW, 0.5
        return values_HW, float(THRESHOLD if high <= 255 else THRESHOLD * 256)
    plain = Image.fromarray(np.asarray(image.convert("RGBA"))[..., :3])
    return np.asarray(plain.convert("L")).astype(np.float64), float(THRESHOLD)


def resized(missing_HW: NDArray[np.bool_], height: int, width: int) -> NDArray[np.bool_]:
    """Return a mask in the size of its image; UnreadableImageError if the proportions differ."""
    mask_height, mask_width = missing_HW.shape
    if (mask_height, mask_width) == (height, width):
        return missing_HW
    across, down = mask_width * height, mask_height * width  # equal if the proportions are
    rounding = max(height, width, mask_height, mask_width)  # a pixel of the coarser of the two
    if abs(down - across) > min(rounding, MAX_DISTORTION * max(down, across)):
        raise UnreadableImageError(
            f"it is {mask_width}x{mask_height}, and the image is {width}x{height}; their proportions differ"
        )
    shape = missing_HW.astype(np.uint8)
    return cv2.resize(shape, (width, height), interpolation=cv2.INTER_NEAREST_EXACT).astype(np.bool_)
