"""Draw what each latent dimension of a trained model does."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from vaeaug.contracts import Latent
from vaeaug.errors import InputError
from vaeaug.export.layout import folder_name
from vaeaug.export.record import RECORD, command_record, write_record
from vaeaug.models.store import StoredModel
from vaeaug.pages.sheets import TraversalRow, traversal_factor, traversal_sheet
from vaeaug.progress import SILENT, Progress, Tick
from vaeaug.staging import Staging, refuse_overlap
from vaeaug.synthesis.paths import discrete
from vaeaug.synthesis.traversal import Axes, axes_of, traverse_axes
from vaeaug.training.batches import as_images
from vaeaug.workflows.device import choose_device, one_thread
from vaeaug.workflows.finished import finished_record
from vaeaug.workflows.model import open_stored
from vaeaug.workflows.pictures.read_one import class_of, read_one
from vaeaug.workflows.pictures.traverse_settings import TraverseSettings
from vaeaug.workflows.settings import build, public_settings, real_path


@dataclass(frozen=True, slots=True)
class TraverseResult:
    """What `traverse` drew.

    Attributes:
        out: the directory, with a picture a class.
        latents: class -> the names of the dimensions that are shown, those that say most first.
        measure: what they are ordered by: `kl` in nats, or `variance`.
    """

    out: Path
    latents: dict[str, tuple[str, ...]]
    measure: str


def traverse(model: str | Path, out: str | Path, *, progress: Progress = SILENT, **settings: Any) -> TraverseResult:
    """Draw what each latent dimension of a model does: one picture a class, one row a dimension.

    Args:
        model: the directory of the model.
        out: the directory to make; nothing, or an empty directory, must be there.
        progress: hears how it goes.
        **settings: the fields of `TraverseSettings`: `latents`, `steps`, `reach`, `image`, `classes`, `enlarge`,
            `device`, `resume`, `plugins_dirs`, `allow_imports`.

    Returns:
        What was drawn.

    Raises:
        InputError: the latents of the model are codes and have no axes; the model, the image, an option or the place
            is not usable. Nothing was changed.
    """
    chosen: TraverseSettings = build(TraverseSettings, settings, "vaeaug.traverse")
    model, out = real_path(model), real_path(out)
    device = choose_device(chosen.device)
    stored = open_stored(model, device, chosen.plugins_dirs, allow_imports=chosen.allow_imports)
    refuse_overlap(model, out)
    image = None
    labels = [stored.record.label(name) for name in dict.fromkeys(chosen.classes)] or list(range(len(stored.classes)))
    if discrete(stored.latents(labels[0]).latents.latent):
        raise InputError(
            f"the latents of the variant '{stored.record.variant.name}' are codes, which have no axes to move along; "
            "see what lies between two images with: vaeaug interpolate"
        )
    if chosen.image is not None:
        image, labels = _start(stored, real_path(chosen.image), chosen)
        refuse_overlap(real_path(chosen.image), out)
    request = {
        "model": stored.record.fingerprint,
        "classes": [stored.classes[label] for label in labels],
        "image": None if image is None else hashlib.blake2b(image.tobytes(), digest_size=16).hexdigest(),
        "latents": chosen.latents,
        "steps": chosen.steps,
        "reach": chosen.reach,
        "enlarge": chosen.enlarge,
    }
    with Staging(out, request, resume=chosen.resume) as staging:
        if (record := finished_record(staging, progress)) is not None:
            drawn = {name: tuple(entry["latent"] for entry in rows) for name, rows in record["latents"].items()}
            return TraverseResult(staging.final, drawn, record["measure"])
        shown = _draw(stored, labels, image, chosen, staging.content, progress)
        measure = "kl" if all(axes.nats for axes, _ in shown.values()) else "variance"
        entries = {name: [_entry(axes, i) for i in dimensions] for name, (axes, dimensions) in shown.items()}
        made: dict[str, Any] = {"measure": measure, "steps": chosen.steps, "reach": chosen.reach, "latents": entries}
        write_record(
            staging.content / RECORD, command_record("traverse", public_settings(chosen), model=stored.record, **made)
        )
        staging.publish()
    names = {name: tuple(axes.names[i] for i in dimensions) for name, (axes, dimensions) in shown.items()}
    return TraverseResult(staging.final, names, measure)


@one_thread()
def _start(model: StoredModel, path: Path, settings: TraverseSettings) -> tuple[NDArray[np.uint8], list[int]]:
    """Return the image to start from and its class, as the one entry of a list."""
    if len(settings.classes) > 1:
        raise InputError("one image is of one class; give --class once with --image")
    image_HWC = read_one(model, path, settings.max_megapixels)
    return image_HWC, [class_of(model, path, image_HWC, next(iter(settings.classes), None))]


@one_thread()
def _draw(
    model: StoredModel,
    labels: list[int],
    image: NDArray[np.uint8] | None,
    settings: TraverseSettings,
    out: Path,
    progress: Progress,
) -> dict[str, tuple[Axes, list[int]]]:
    """Write a picture a class; return, for each, its dimensions and which of them are shown, in order."""
    progress.stage("Drawing latents")
    factor = settings.enlarge or traversal_factor(model.spec.height, model.spec.width)
    moves = np.linspace(-settings.reach, settings.reach, settings.steps).tolist()
    shown: dict[str, tuple[Axes, list[int]]] = {}
    for done, label in enumerate(labels, start=1):
        name = model.classes[label]
        axes = axes_of(model, label)
        active = axes.order()
        chosen = active[: settings.latents]
        base = axes.mean if image is None else _encoded(model, image, label)
        pictures = traverse_axes(model, label, base, axes, chosen, moves)
        rows = [
            TraversalRow(f"z {axes.names[i]}", _worth(axes, i), list(images))
            for i, images in zip(chosen, pictures, strict=True)
        ]
        start = "mean" if image is None else "image"
        columns = [f"{move:+.3g}" if move else "0" for move in moves]
        shown_of = f"{len(chosen)} of {len(active)} active latents shown"
        title = f"{name}: {shown_of}; offset from the {start} in standard deviations"
        traversal_sheet(title, columns, rows, factor).save(out / f"{folder_name(name)}.png")
        shown[name] = axes, chosen
        progress.tick(Tick(done / len(labels)))
    return shown


@torch.no_grad()
def _encoded(model: StoredModel, image_HWC: NDArray[np.uint8], label: int) -> Latent:
    """Return the latent of an image, a batch of 1."""
    x_1CHW = as_images(image_HWC[None], model.device)
    return model.network(label).variant.encode(x_1CHW, torch.tensor([label], device=model.device)).latent


def _worth(axes: Axes, dimension: int) -> str:
    worth = float(axes.worth_D[dimension])
    return f"{worth:.2f} nats" if axes.nats else f"variance {worth:.3g}"


def _entry(axes: Axes, dimension: int) -> dict[str, Any]:
    return {
        "latent": axes.names[dimension],
        "kl" if axes.nats else "variance": round(float(axes.worth_D[dimension]), 4),
        "standard_deviation": round(float(axes.spread_D[dimension]), 4),
    }
