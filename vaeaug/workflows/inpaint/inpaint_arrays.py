"""Filling holes of arrays, for `Model.inpaint`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from vaeaug.dataset.decode import UnreadableImageError
from vaeaug.errors import InputError
from vaeaug.inpainting.complete import Completer
from vaeaug.inpainting.fill import fill
from vaeaug.inpainting.picture import from_pixels, with_channels
from vaeaug.models.store import StoredModel
from vaeaug.progress import SILENT
from vaeaug.seeds import seed_of
from vaeaug.workflows.device import one_thread
from vaeaug.workflows.inpaint.completion_files import native_size
from vaeaug.workflows.inpaint.inpaint_settings import InpaintSettings
from vaeaug.workflows.inpaint.inpainting_encoder import inpainting_encoder, resolved_method
from vaeaug.workflows.settings import build


@one_thread()
def inpaint_arrays(
    stored: StoredModel,
    images: NDArray[np.uint8],
    masks: NDArray[np.bool_],
    label: str | Sequence[str | None] | None,
    **settings: object,
) -> NDArray[np.uint8]:
    """Fill the holes of N images of one size; see `Model.inpaint`.

    Raises:
        InputError: shapes or types do not fit, or an option is out of range.
    """
    chosen: InpaintSettings = build(InpaintSettings, settings, "Model.inpaint")
    images_NHWC = images if images.ndim == 4 else images[..., None]
    count, height, width, channels = images_NHWC.shape if images_NHWC.ndim == 4 else (0, 0, 0, 0)
    if images_NHWC.dtype != np.uint8 or channels not in (1, 3):
        raise InputError(
            f"images must be uint8 (N, H, W), (N, H, W, 1) or (N, H, W, 3), not {images.dtype} {images.shape}"
        )
    if masks.dtype != np.bool_ or masks.shape != (count, height, width):
        raise InputError(
            f"masks must be bool {(count, height, width)}, True where missing, not {masks.dtype} {masks.shape}"
        )
    labels = [label] * count if label is None or isinstance(label, str) else list(label)
    if len(labels) != count:
        raise InputError(f"there are {count} images and {len(labels)} labels; give one label, or one per image")
    for class_name in {name for name in labels if name is not None}:
        stored.record.label(class_name)
    encoder = inpainting_encoder(stored, chosen.method, None, progress=SILENT)
    method = resolved_method(chosen.method, encoder)
    completer = Completer(stored, method=method, draws=chosen.draws, encoder=encoder)
    completions_NSHWC = np.repeat(images_NHWC[:, None], chosen.samples, axis=1)
    for number, (image_HWC, missing_HW, name) in enumerate(zip(images_NHWC, masks, labels, strict=True)):
        if not missing_HW.any():
            continue
        picture = from_pixels(image_HWC)
        try:
            seen_HWC = with_channels(stored.record.channels, picture, missing_HW)
        except UnreadableImageError as error:
            raise InputError(f"image {number}: {error}") from None
        result = fill(
            seen_HWC,
            missing_HW,
            completer,
            None if name is None else stored.record.label(name),
            native=native_size(stored.record, name),
            samples=chosen.samples,
            seed=seed_of(chosen.seed, "inpaint", number),
            blending=chosen.blend,
            region=chosen.region,
        )
        for sample in range(chosen.samples):
            completions_NSHWC[number, sample] = picture.filled(missing_HW, result.images_SHWC[sample]).reshape(
                image_HWC.shape
            )
    return completions_NSHWC
