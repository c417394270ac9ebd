"""Samples of a class, in chunks of one fixed size.

Sample i depends only on (seed, class, i): each chunk has its own generator and is always drawn and decoded whole,
because floating-point products differ in the last bit between batch sizes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from vaeaug.contracts import Deformation, Detail, Latent, Sampler, tree_map
from vaeaug.models.latents import ClassLatents
from vaeaug.models.network import Network
from vaeaug.models.store import StoredModel
from vaeaug.seeds import seed_of
from vaeaug.synthesis.chunk import SampleChunk
from vaeaug.synthesis.edit import AddedDetail, Edit
from vaeaug.synthesis.image_deformation import ImageDeformation
from vaeaug.synthesis.pixel_limits import PixelLimits
from vaeaug.synthesis.source_images import SourceImages
from vaeaug.training.batches import as_pixels

CHUNK = 64


def chunks_of(count: int) -> range:
    """Return the numbers of the chunks that contain samples 0 ... count - 1 of a class."""
    return range(-(-count // CHUNK))


@torch.inference_mode()
def generate(
    model: StoredModel,
    label: str,
    chunks: Iterable[int],
    *,
    sampler: type[Sampler],
    config: Any = None,
    seed: int,
    count: int,
    originals: Mapping[str, Path] | None = None,
    limits: PixelLimits | None = None,
    images: SourceImages | None = None,
    floats: bool = False,
) -> Iterator[SampleChunk]:
    """Yield the samples of a class, one chunk at a time.

    Args:
        originals: real image files by `file_name`, for a sampler that edits them.
        limits: pixel limits of such edits.
    """
    index = model.record.label(label)
    network = model.network(index)
    latents = model.latents(index)
    fitted = sampler(network.variant, latents.latents, index, seed, model.device, config)
    y_B = torch.full((CHUNK,), index, device=model.device)
    images = images or SourceImages(model.record.rules())
    for chunk in chunks:
        start = chunk * CHUNK
        generator = torch.Generator(device=model.device).manual_seed(seed_of(seed, sampler.name, label, chunk))
        draw = fitted.draw(start, CHUNK, generator)
        images_BCHW = _decoded(network, draw.latent, y_B)
        num_kept = min(CHUNK, count - start)
        sources = tuple(None if source is None else latents.sources[source] for source in draw.sources[:num_kept])
        edits = None
        if draw.origin is not None:
            files = originals or {}
            # A sampler that changes no latent says so by passing the same object.
            before_BCHW = images_BCHW if draw.origin is draw.latent else _decoded(network, draw.origin, y_B)
            deformations = _image_deformations(draw.deformation)
            added = _added_detail(network, draw.detail, latents, files, y_B)
            edits = tuple(
                Edit(
                    files[str(source)],
                    _floats(before_CHW),
                    _floats(after_CHW),
                    draw.fade,
                    detail,
                    deformation,
                    limits,
                    images,
                )
                for source, before_CHW, after_CHW, detail, deformation in zip(
                    sources, before_BCHW, images_BCHW, added, deformations, strict=False
                )
            )
        exact_BHWC = _floats_of_chunk(images_BCHW)[:num_kept] if floats else None
        pixels_BHWC = as_pixels(images_BCHW)[:num_kept]
        yield SampleChunk(label, start, pixels_BHWC, sources, sampler.name, edits, floats_BHWC=exact_BHWC)


def _added_detail(
    network: Network, detail: Detail | None, latents: ClassLatents, originals: Mapping[str, Path], y_B: torch.Tensor
) -> Sequence[AddedDetail | None]:
    if detail is None:
        return [None] * len(y_B)
    decoded: Sequence[NDArray[np.float32] | None] = [None] * len(y_B)
    if not detail.whole:
        decoded_BCHW = torch.zeros((), device=y_B.device)
        for source_B, weight_B in zip(detail.sources_BK.T, detail.weights_BK.T, strict=True):
            latent: Latent = tree_map(lambda leaf, chosen_B=source_B: leaf[chosen_B], latents.latents.latent)
            decoded_BCHW = decoded_BCHW + weight_B.to(y_B.device)[:, None, None, None] * _decoded(network, latent, y_B)
        decoded = [_floats(decoded_CHW) for decoded_CHW in decoded_BCHW]
    return [
        AddedDetail(tuple(originals[latents.sources[source]] for source in sources), tuple(weights), decoded_HWC)
        for sources, weights, decoded_HWC in zip(
            detail.sources_BK.tolist(), detail.weights_BK.tolist(), decoded, strict=True
        )
    ]


def _image_deformations(deformation: Deformation | None) -> Sequence[ImageDeformation | None]:
    if deformation is None:
        return [None] * CHUNK
    displacement_BHW2 = deformation.displacement_B2HW.permute(0, 2, 3, 1).float().cpu().numpy()
    gains = deformation.log_gain_BHW
    gain_BHW = [None] * len(displacement_BHW2) if gains is None else gains.float().cpu().numpy()
    return [
        ImageDeformation(np.ascontiguousarray(displacement_HW2), log_gain_HW)
        for displacement_HW2, log_gain_HW in zip(displacement_BHW2, gain_BHW, strict=True)
    ]


def _decoded(network: Network, latent: Latent, y_B: torch.Tensor) -> torch.Tensor:
    """Return the images of latents, (B, C, H, W) in [0, 1]."""
    on_device: Latent = tree_map(lambda leaf: leaf.to(y_B.device), latent)
    return network.loss.image(network.variant.decode(on_device, y_B))


def _floats_of_chunk(images_BCHW: torch.Tensor) -> NDArray[np.float32]:
    """Return images as float32 (B, H, W, C)."""
    return np.ascontiguousarray(images_BCHW.float().permute(0, 2, 3, 1).cpu().numpy())


def _floats(image_CHW: torch.Tensor) -> NDArray[np.float32]:
    """Return an image as float32 (H, W, C)."""
    return np.ascontiguousarray(image_CHW.float().permute(1, 2, 0).cpu().numpy())
