"""Samples of a class, in chunks of one fixed size.

Sample i of a class depends on (seed, class, i) alone: its chunk has a generator of its own, and is always drawn and
decoded whole, because floating-point products differ in the last bit between batch sizes.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from vaeaug.contracts import Latent, leaves, parse_options, tree_map
from vaeaug.errors import InputError, nearest
from vaeaug.models.latents import ClassLatents
from vaeaug.models.network import Network
from vaeaug.models.store import StoredModel
from vaeaug.seeds import seed_of
from vaeaug.synthesis.chunk import SampleChunk
from vaeaug.synthesis.edit import AddedDetail, Edit
from vaeaug.synthesis.pixel_limits import PixelLimits
from vaeaug.synthesis.samplers import SAMPLERS, Sampler
from vaeaug.synthesis.samplers.base import Detail
from vaeaug.synthesis.source_images import SourceImages
from vaeaug.training.batches import as_pixels

CHUNK = 64
AUTO = "auto"


def chunks_of(count: int) -> range:
    """Return the numbers of the chunks that hold samples 0 ... count - 1 of a class."""
    return range(-(-count // CHUNK))


def check_sampler(name: str, *, variant: str, conditional: bool, scope: str, classes: int) -> None:
    """Refuse a sampler that does not go with a model, which need not be trained yet.

    Args:
        name: of the sampler, or `auto`.
        variant: name of the model's variant.
        conditional: whether class labels matter to the variant.
        scope: "per-class" or "shared".
        classes: how many classes the model has.

    Raises:
        InputError: there is no such sampler, or it cannot tell the classes of the model apart.
    """
    if name not in (*SAMPLERS, AUTO):
        raise InputError(f"there is no sampler {name!r}; {nearest(name, [*SAMPLERS, AUTO])}")
    if name == "prior" and scope == "shared" and not conditional and classes > 1:
        raise InputError(
            f"the variant '{variant}' knows no classes, so draws from its prior have none under --scope shared; "
            "use --sampler mixture, --scope per-class, or a variant that knows them (leave out --variant)"
        )


def sampler_name(name: str, model: StoredModel, *, originals: bool = False) -> str:
    """Settle which sampler is meant by `auto`: what helps a classifier most (docs/benchmarks.md).

    For continuous latents that is `residual` where the real images are at hand and their colours can be mixed, and else
    the mixture; for discrete ones it is the prior.

    Args:
        name: of the sampler, or `auto`.
        model: the trained model.
        originals: whether the real images that it was trained on are at hand.

    Raises:
        InputError: as `check_sampler`; or the sampler changes real images, and they are not at hand or not of the kind.
    """
    record = model.record
    if name == AUTO:
        continuous = all(leaf.is_floating_point() for leaf in leaves(model.latents(0).latents.latent))
        changed = "residual" if originals and record.palette is None else "mixture"
        name = changed if continuous else "prior"
    check_sampler(
        name,
        variant=record.variant.name,
        conditional=model.conditional,
        scope=record.scope,
        classes=len(record.classes),
    )
    if SAMPLERS[name].edits:
        if not originals:
            raise InputError(
                f"the sampler '{name}' changes real images, and a model keeps none; "
                f"use: vaeaug augment DATA OUT --model {model.directory} --sampler {name}"
            )
        check_colours(name, indexed=record.palette is not None)
    return name


def check_colours(name: str, *, indexed: bool) -> None:
    """Refuse a sampler that mixes colours where images are indexed.

    Raises:
        InputError: it is so.
    """
    if indexed and SAMPLERS[name].edits:
        raise InputError(
            f"the sampler '{name}' mixes colours, and indexed images have their own; use --sampler interpolate"
        )


def sampler_config(name: str, options: Mapping[str, Any]) -> Any:
    """Return a sampler's options, checked.

    Raises:
        InputError: the sampler has no such option, its value is out of range, or there are options for `auto`.
    """
    if name == AUTO:
        if options:
            raise InputError("--set-sampler sets options of one sampler; name it with --sampler")
        return Sampler.Config()
    return parse_options(SAMPLERS[name].Config, options, f"sampler '{name}'")


def changed_options(name: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of a sampler that are not its defaults."""
    config = sampler_config(name, options)
    fields = dataclasses.fields(config)
    return {f.name: getattr(config, f.name) for f in fields if getattr(config, f.name) != f.default}


@torch.inference_mode()
def generate(
    model: StoredModel,
    label: str,
    chunks: Iterable[int],
    *,
    sampler: str,
    seed: int,
    count: int,
    options: Mapping[str, Any] | None = None,
    originals: Mapping[str, Path] | None = None,
    limits: PixelLimits | None = None,
    images: SourceImages | None = None,
    floats: bool = False,
) -> Iterator[SampleChunk]:
    """Yield the samples of a class, a chunk at a time.

    Args:
        model: the trained model.
        label: the class.
        chunks: the numbers of the chunks wanted.
        sampler: the name of a sampler (not `auto`).
        seed: of the samples.
        count: how many samples the class is to have; the last chunk is cut to it.
        options: of the sampler; the defaults if None.
        originals: the real images' files by `file_name`, for a sampler that changes them.
        limits: how far such a sampler may change the pixels of the class; any distance if None.
        images: decodes these files; by the rules of the model if None.
        floats: whether chunks have `floats_BHWC` too.

    Raises:
        InputError: the class or the sampler does not go with the model.
    """
    index = model.record.label(label)
    network = model.network(index)
    latents = model.latents(index)
    config = sampler_config(sampler, options or {})
    drawer: Sampler = SAMPLERS[sampler](network.variant, latents, index, seed, model.device, config)
    y_B = torch.full((CHUNK,), index, device=model.device)
    images = images or SourceImages(model.record.rules())
    for chunk in chunks:
        start = chunk * CHUNK
        generator = torch.Generator(device=model.device).manual_seed(seed_of(seed, sampler, label, chunk))
        draw = drawer.draw(start, CHUNK, generator)
        images_BCHW = _decoded(network, draw.latent, y_B)
        keep = min(CHUNK, count - start)
        sources = tuple(None if source is None else latents.sources[source] for source in draw.sources[:keep])
        edits = None
        if draw.origin is not None:
            files = originals or {}
            before_BCHW = _decoded(network, draw.origin, y_B)
            added = _added(network, draw.detail, latents, files, y_B)
            edits = tuple(
                Edit(files[str(source)], _floats(before_CHW), _floats(after_CHW), draw.fade, detail, limits, images)
                for source, before_CHW, after_CHW, detail in zip(sources, before_BCHW, images_BCHW, added, strict=False)
            )
        exact_BHWC = _floats_of_chunk(images_BCHW)[:keep] if floats else None
        pixels_BHWC = as_pixels(images_BCHW)[:keep]
        yield SampleChunk(label, start, pixels_BHWC, sources, sampler, edits, floats_BHWC=exact_BHWC)


def _added(
    network: Network, detail: Detail | None, latents: ClassLatents, originals: Mapping[str, Path], y_B: torch.Tensor
) -> Sequence[AddedDetail | None]:
    """Return the detail that is added to each sample of a chunk."""
    if detail is None:
        return [None] * len(y_B)
    shown_BCHW = torch.zeros((), device=y_B.device)
    for source_B, weight_B in zip(detail.sources_BK.T, detail.weights_BK.T, strict=True):
        latent: Latent = tree_map(lambda leaf, chosen_B=source_B: leaf[chosen_B], latents.latents.latent)
        shown_BCHW = shown_BCHW + weight_B.to(y_B.device)[:, None, None, None] * _decoded(network, latent, y_B)
    return [
        AddedDetail(tuple(originals[latents.sources[source]] for source in sources), tuple(weights), _floats(shown_CHW))
        for sources, weights, shown_CHW in zip(
            detail.sources_BK.tolist(), detail.weights_BK.tolist(), shown_BCHW, strict=True
        )
    ]


def _decoded(network: Network, latent: Latent, y_B: torch.Tensor) -> torch.Tensor:
    """Return the images of latents, (B, C, H, W) in [0, 1]."""
    there: Latent = tree_map(lambda leaf: leaf.to(y_B.device), latent)
    return network.loss.image(network.variant.decode(there, y_B))


def _floats_of_chunk(images_BCHW: torch.Tensor) -> NDArray[np.float32]:
    """Return images as float32 (B, H, W, C)."""
    return np.ascontiguousarray(images_BCHW.float().permute(0, 2, 3, 1).cpu().numpy())


def _floats(image_CHW: torch.Tensor) -> NDArray[np.float32]:
    """Return an image as float32 (H, W, C)."""
    return np.ascontiguousarray(image_CHW.float().permute(1, 2, 0).cpu().numpy())
