"""Albumentations pipelines for training images: read from a file that `A.save` wrote, or our own."""

from __future__ import annotations

import random
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from vaeaug.dataset.albumentations_module import albumentations_module
from vaeaug.dataset.colour import LUMA
from vaeaug.errors import InputError

_FORMATS: dict[str, Literal["json", "yaml"]] = {".json": "json", ".yaml": "yaml", ".yml": "yaml"}
_LUMA = np.rint(1000 * LUMA).astype(np.int64)  # in whole thousandths, so that equal channels stay what they are


class Pipeline:
    """An Albumentations pipeline that gives each image a result of its own seed and keeps its size. Not thread-safe."""

    def __init__(self, name: str, compose: Any) -> None:
        self.name = name
        self._compose = compose

    def __call__(self, pixels_BHWC: NDArray[np.uint8], seeds: Sequence[int]) -> NDArray[np.uint8]:
        """Transform a uint8 batch, C = 1 or 3, with one seed (at least 0) per image.

        If a transform requires colour, a gray image is transformed as three equal channels and becomes the luma of the
        result.
        """
        out = np.empty_like(pixels_BHWC)
        for i, (image_HWC, seed) in enumerate(zip(pixels_BHWC, seeds, strict=True)):
            out[i] = self._transform_one(image_HWC, int(seed))
        return out

    def _transform_one(self, image_HWC: NDArray[np.uint8], seed: int) -> NDArray[np.uint8]:
        try:
            result = self._run(image_HWC, seed)
        except Exception as error:
            if image_HWC.shape[-1] != 1:
                raise InputError(
                    f"{self.name} fails on these images: {_first_line(error)}; fix the pipeline"
                ) from error
            result = self._transform_as_rgb(image_HWC, seed)
        if result.ndim == 2:
            result = result[..., None]
        if result.shape != image_HWC.shape or result.dtype != np.uint8:
            raise InputError(
                f"{self.name} turns {_describe(image_HWC)} into {_describe(result)}; remove the transform that changes "
                "size or type (crops, resizes, normalization), or end with one that restores the size"
            )
        return result

    def _transform_as_rgb(self, gray_HWC: NDArray[np.uint8], seed: int) -> NDArray[np.uint8]:
        try:
            result = self._run(np.repeat(gray_HWC, 3, axis=-1), seed)
        except Exception as error:
            raise self._failed(error) from error
        if result.ndim != 3 or result.shape[-1] != 3 or result.dtype != np.uint8:
            return result
        luma: NDArray[np.uint8] = ((result @ _LUMA + 500) // 1000).astype(np.uint8)
        return luma[..., None]

    def _failed(self, error: Exception) -> InputError:
        return InputError(f"{self.name} fails on these images: {_first_line(error)}; fix the pipeline")

    def _run(self, image_HWC: NDArray[np.uint8], seed: int) -> NDArray[Any]:
        # One stream for all transforms: with set_random_seed each would start from the same seed, and their choices
        # would go together (all flip or none does).
        self._compose.set_random_state(np.random.default_rng(seed), random.Random(seed))  # noqa: S311 (no secret)
        result: NDArray[Any] = self._compose(image=np.ascontiguousarray(image_HWC))["image"]
        return np.asarray(result)


def load_pipeline(path: Path) -> Pipeline:
    """Read a pipeline from a `.json`, `.yaml` or `.yml` file that `albumentations.save` wrote."""
    path = Path(path)
    remedy = f"write it with albumentations.save(pipeline, {path.with_suffix('.yaml').name!r}, data_format='yaml')"
    data_format = _FORMATS.get(path.suffix.lower())
    if data_format is None:
        raise InputError(f"{path} is neither a .json nor a .yaml file; {remedy}")
    if not path.is_file():
        raise InputError(f"the pipeline file {path} does not exist; {remedy}")
    albumentations = albumentations_module()
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)  # an argument that does not exist is only warned of
        try:
            loaded = albumentations.load(path, data_format=data_format)
            compose = loaded if isinstance(loaded, albumentations.BaseCompose) else albumentations.Compose([loaded])
        except Exception as error:
            raise InputError(
                f"cannot read the pipeline {path}: {type(error).__name__}: {_first_line(error)}; {remedy}"
            ) from error
    return Pipeline(str(path), compose)


def classical_pipeline(
    height: int, width: int, channels: int, *, flip: bool, strength: float = 1.0, indexed: bool = False
) -> Pipeline:
    """Return the augmentation that nearly every image classifier is trained with.

    A random crop of an image padded by an eighth (He et al. 2016), changes of scale and angle by up to 10 % and 10
    degrees, and for colour images brightness and contrast. The brightness of gray images often distinguishes their
    classes, so it is kept.

    Args:
        flip: mirror half of the images, which is wrong for letters and digits.
        strength: factor of all changes, above 0.
        indexed: whether the colours are labels from a palette, which must not be changed or mixed.
    """
    albumentations = albumentations_module()
    border = 1  # cv2.BORDER_REPLICATE: no edges of a colour the image lacks, and nothing that is seen twice
    down, across = (max(1, int(strength * side / 8)) for side in (height, width))
    scale, angle = 0.1 * strength, 10 * strength
    transforms = [
        albumentations.PadIfNeeded(height + 2 * down, width + 2 * across, border_mode=border),
        albumentations.RandomCrop(height, width),
        albumentations.Affine(
            scale=(1 - scale, 1 + scale),
            rotate=(-angle, angle),
            interpolation=0 if indexed else 1,  # cv2.INTER_NEAREST, cv2.INTER_LINEAR
            border_mode=border,
            p=0.8,
        ),
    ]
    if flip:
        transforms.append(albumentations.HorizontalFlip(p=0.5))
    if channels == 3 and not indexed:
        transforms.append(albumentations.RandomBrightnessContrast(0.2 * strength, 0.2 * strength, p=0.8))
    return Pipeline("the classical augmentation", albumentations.Compose(transforms))


def _describe(image: NDArray[Any]) -> str:
    return f"{'x'.join(str(side) for side in image.shape)} {image.dtype}"


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
