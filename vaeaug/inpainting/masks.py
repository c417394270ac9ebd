"""Mask files: images beside the images, white where a pixel is missing.

- A mask has its image's place in the tree and its stem, with any image suffix; `_mask`, `_mask001` and the like may
  follow the stem. Of several masks of one image all count: missing is what any of them says. A mask that is one file
  and no folder is that of every image. Where masks lie in the folder of the images itself, only the suffixed names
  are masks; a folder of masks inside it holds no images.
- It is read as gray, by the rules of `vaeaug.dataset.decode` (transparent is white), and 128 and more is missing: a
  soft edge counts as missing from its middle on. Values of 0 and 1 alone are refused, for they are surely meant
  otherwise.
- A mask of another size is resized by nearest pixel if its proportions agree with the image's within the rounding of
  a pixel. Otherwise it is refused.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

import cv2
import numpy as np
from numpy.typing import NDArray

from vaeaug.dataset.decode import UnreadableImageError, read_file
from vaeaug.dataset.folders import images_below
from vaeaug.errors import InputError
from vaeaug.inpainting.picture import Picture, read_picture
from vaeaug.inpainting.sources import Holes

THRESHOLD = 128
"""Least gray level that is missing."""

_SUFFIX = re.compile(r"_mask\d*$")
_LUMA = np.array([0.299, 0.587, 0.114])


class MaskFiles:
    """The masks of a folder, or one mask for all images.

    Args:
        place: the folder, or the one file.
        images: the folder of the images, or the one image.

    Raises:
        InputError: there is nothing there.
    """

    def __init__(self, place: Path, images: Path) -> None:
        if not place.exists():
            raise InputError(f"there is no {place}; --masks takes the folder of the masks")
        self.place = place
        folder, root = place.resolve(), (images if images.is_dir() else images.parent).resolve()
        self._beside = place.is_dir() and folder == root
        self._inside = folder if place.is_dir() and folder != root and folder.is_relative_to(root) else None
        self._one = None if place.is_dir() else place
        self._matched = False
        self._by_image: defaultdict[str, list[Path]] = defaultdict(list)
        for path in sorted(images_below(place)) if self._one is None else ():
            for name in self._images_of(path):
                self._by_image[name].append(path)

    def is_mask(self, image: Path) -> bool:
        """Tell whether a file among the images is a mask and no image."""
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
        """Return what the masks of an image say; nothing is missing where it has none."""
        missing_HW = np.zeros(picture.size, dtype=np.bool_)
        names = []
        for path in self.of(file_name):
            name = path.name if self._one is not None else path.relative_to(self.place).as_posix()
            try:
                missing_HW |= resized(read_mask(path), *picture.size)
            except UnreadableImageError as error:
                raise UnreadableImageError(f"its mask {name}: {error}") from error
            names.append(name)
            self._matched = True
        return Holes(missing_HW, " ".join(names))

    def unused(self, file_names: Iterable[str]) -> list[str]:
        """Return the masks that belong to none of the images, sorted."""
        used = {path for name in file_names for path in self.of(name)}
        every = {path for paths in self._by_image.values() for path in paths}
        return sorted(path.relative_to(self.place).as_posix() for path in every - used)

    def nothing_found(self) -> str:
        """Return what to say where no image has a hole."""
        if self._matched or self._one is not None:
            return f"the masks in {self.place} have no white pixel for any of the images; white (128 to 255) is missing"
        return (
            f"no image has a mask in {self.place}; a mask has the image's place in the tree and its name, "
            "as in a/1.png or a/1_mask.png for a/1.jpg"
        )

    def _images_of(self, path: Path) -> list[str]:
        """Return the images, without suffix, that a mask file may belong to."""
        relative = PurePosixPath(path.relative_to(self.place).as_posix())
        bare = _SUFFIX.sub("", relative.stem)
        stems = [bare] if self._beside else list(dict.fromkeys((relative.stem, bare)))
        if self._beside and bare == relative.stem:
            return []  # an image
        return [str(relative.parent / stem) for stem in stems]


def read_mask(path: Path) -> NDArray[np.bool_]:
    """Return what a mask file says is missing, at its own size.

    Raises:
        UnreadableImageError: it cannot be read, or its values are 0 and 1.
    """
    seen_HWC = read_picture(read_file(path)).seen_HWC
    gray_HW = seen_HWC[..., 0] if seen_HWC.shape[2] == 1 else np.floor(seen_HWC @ _LUMA + 0.5)
    if gray_HW.max() == 1:
        raise UnreadableImageError("its values are 0 and 1, which are both black; save it with 0 and 255")
    missing_HW: NDArray[np.bool_] = gray_HW >= THRESHOLD
    return missing_HW


def resized(missing_HW: NDArray[np.bool_], height: int, width: int) -> NDArray[np.bool_]:
    """Return a mask in the size of its image.

    Raises:
        UnreadableImageError: its proportions are others.
    """
    mask_height, mask_width = missing_HW.shape
    if (mask_height, mask_width) == (height, width):
        return missing_HW
    # Both sides scaled by one factor and rounded differ from it by a pixel of the coarser of the two at most.
    if abs(mask_height * width - mask_width * height) > max(height, width, mask_height, mask_width):
        raise UnreadableImageError(
            f"it is {mask_width}x{mask_height}, and the image is {width}x{height}; their proportions differ"
        )
    shape = missing_HW.astype(np.uint8)
    return cv2.resize(shape, (width, height), interpolation=cv2.INTER_NEAREST_EXACT).astype(np.bool_)
