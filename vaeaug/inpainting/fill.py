"""An image of any size completed by a model of one size: shown to it in windows, and only the holes taken from it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from vaeaug.contracts import ImageSpec
from vaeaug.inpainting.blend import blend
from vaeaug.inpainting.complete import Completer
from vaeaug.inpainting.nearest import extended
from vaeaug.inpainting.window import windows
from vaeaug.seeds import seed_of

MAX_BATCH = 32
"""Number of completions computed at a time, so that memory does not grow with their total number."""

MIN_VISIBLE_FRACTION = 0.5
"""Of a pixel of the model that must be visible for it to count as visible."""


@dataclass(frozen=True, slots=True, eq=False)
class Filled:
    """A completed image.

    Attributes:
        images_SHWC: S completions at the image's own size, float32 in [0, 1].
        evidence_K: evidence of each class, from the window with the largest hole; None if the class is known.
    """

    images_SHWC: NDArray[np.float32]
    label: int
    evidence_K: Tensor | None


def fill(
    seen_HWC: NDArray[np.uint8],
    missing_HW: NDArray[np.bool_],
    completer: Completer,
    label: int | None,
    *,
    native: tuple[int, int],
    samples: int,
    seed: int,
    blending: str,
    region: str = "auto",
) -> Filled:
    """Complete an image.

    Args:
        seen_HWC: uint8, with the model's channels; the content of the holes is ignored.
        label: if None, it is inferred from the window with the largest hole and used for all windows.
        native: height and width of the training images, in pixels.
        blending: `feather`, `poisson` or `none`; `none` for indexed images.
    """
    spec = completer.model.spec
    visible_HWC = seen_HWC.astype(np.float32) / np.float32(255)
    images_SHWC = np.repeat(visible_HWC[None], samples, axis=0)
    evidence_K = None
    for number, window in enumerate(windows(missing_HW, native, region)):
        part_HWC, hidden_HW = visible_HWC[window.part], missing_HW[window.part]
        x_CHW, visible_1HW = model_input(part_HWC, hidden_HW, spec)
        decoded = []
        for start in range(0, samples, MAX_BATCH):
            count = min(MAX_BATCH, samples - start)
            # A single completion is a mean: wanted of one, unless nothing is visible, and else not of the last group.
            requested = 1 if samples == 1 and bool(visible_1HW.any()) else max(count, 2)
            own_seed = seed_of(seed, "window", number, start)
            completion = completer.complete(x_CHW, visible_1HW, label, samples=requested, seed=own_seed)
            decoded.append(completion.decoded_SCHW[:count])
            if label is None:
                label, evidence_K = completion.label, completion.evidence_K
        scale = max(hidden_HW.shape[0] / spec.height, hidden_HW.shape[1] / spec.width)
        for sample, image_CHW in enumerate(torch.cat(decoded)):
            whole_HWC = resize(image_CHW.permute(1, 2, 0).numpy(), hidden_HW.shape, indexed=spec.palette is not None)
            window_blending = "none" if spec.palette is not None else blending
            blended_HWC = blend(part_HWC, whole_HWC, hidden_HW, window_blending, scale)
            target_HWC = images_SHWC[sample][window.part]
            target_HWC[window.fill_HW] = blended_HWC[window.fill_HW]
    assert label is not None  # noqa: S101 (there is a hole, so there was a window)
    return Filled(images_SHWC, label, evidence_K)


def model_input(part_HWC: NDArray[np.float32], missing_HW: NDArray[np.bool_], spec: ImageSpec) -> tuple[Tensor, Tensor]:
    """Return an image, float32 (C, H, W) in [0, 1], and its visible pixels, (1, H, W), at the model's size.

    Holes take the nearest visible colour before the image is resized, so that nothing from a hole gets into a pixel
    next to it. A pixel of the model counts as visible if half of its area is.
    """
    size = (spec.height, spec.width)
    if missing_HW.shape == size:
        pixels_HWC, visible_fraction_HW = extended(part_HWC, missing_HW), 1 - missing_HW.astype(np.float32)
    else:
        pixels_HWC = resize(extended(part_HWC, missing_HW), size, indexed=spec.palette is not None)
        visible = Image.fromarray(1 - missing_HW.astype(np.float32))
        visible_fraction_HW = np.asarray(visible.resize(size[::-1], Image.Resampling.BOX))
    x_CHW = torch.from_numpy(np.ascontiguousarray(pixels_HWC)).permute(2, 0, 1)
    return x_CHW, torch.from_numpy((visible_fraction_HW >= MIN_VISIBLE_FRACTION).astype(np.float32))[None]


def resize(values_HWC: NDArray[np.float32], size: tuple[int, int], *, indexed: bool) -> NDArray[np.float32]:
    """Return values in [0, 1] at another (height, width): Lanczos as `vaeaug.dataset.decode`, nearest where indexed."""
    if values_HWC.shape[:2] == size:
        return values_HWC
    blending = Image.Resampling.NEAREST if indexed else Image.Resampling.LANCZOS
    planes = [
        np.asarray(Image.fromarray(np.ascontiguousarray(values_HWC[..., c])).resize(size[::-1], blending))
        for c in range(values_HWC.shape[2])
    ]
    return np.stack(planes, axis=2).clip(0, 1)
