"""One image file, decoded for a trained model, and its class."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from vaeaug.dataset.formats import NAMES, is_image_name
from vaeaug.dataset.opening import UnreadableImageError, read_file
from vaeaug.dataset.traits import read_header
from vaeaug.errors import InputError
from vaeaug.models.evidence import class_evidence
from vaeaug.models.store import StoredModel
from vaeaug.progress import SILENT
from vaeaug.training.batches import as_images
from vaeaug.workflows.image_data import read_for_model


def read_single_image(model: StoredModel, path: Path, max_megapixels: float) -> NDArray[np.uint8]:
    """Return an image at the model's size and in its channels, uint8 (H, W, C).

    Raises:
        InputError: if there is no such file, it is a folder, it cannot be read, or it has more than `max_megapixels`
            million pixels.
    """
    if not path.exists():
        raise InputError(f"{path} does not exist; name an image file")
    if path.is_dir():
        raise InputError(f"{path} is a folder; name one image in it")
    if not is_image_name(path.name):
        raise InputError(f"{path} does not have the suffix of an image; name a {NAMES} file")
    try:
        read_header(read_file(path), max_megapixels)
    except UnreadableImageError as error:
        raise InputError(f"{path} cannot be read: {error}; fix it, or name another image") from None
    data = read_for_model(model, path, workers=1, skip_invalid=False, progress=SILENT, max_megapixels=max_megapixels)
    pixels_HWC: NDArray[np.uint8] = np.array(data.cache.pixels_NHWC[0])
    return pixels_HWC


def in_class_folder(model: StoredModel, path: Path) -> bool:
    """Return whether a file is in a folder that is named like one of the model's classes."""
    return path.resolve().parent.name in model.classes


@torch.no_grad()
def class_of(model: StoredModel, path: Path, image_HWC: NDArray[np.uint8], label: str | None) -> int:
    """Return the class of an image: `label` if given, the class of its folder, or the most likely one.

    Raises:
        InputError: if the model has no class of this name.
    """
    if label is not None:
        return model.record.label(label)
    if in_class_folder(model, path):
        return model.record.label(path.resolve().parent.name)
    return int(class_evidence(model, as_images(image_HWC[None], model.device)).argmax())
