"""Draw what each latent dimension of a trained model does."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from vaeaug.contracts import Latent
from vaeaug.errors import InputError
from vaeaug.export.layout import folder_name
from vaeaug.models.store import StoredModel
from vaeaug.pages.sheets import TraversalRow, traversal_factor, traversal_sheet
from vaeaug.progress import SILENT, Progress, Tick
from vaeaug.synthesis.paths import is_discrete
from vaeaug.synthesis.traversal import Axes, axes_of, traverse_axes
from vaeaug.training.batches import as_images
from vaeaug.workflows.device import one_thread
from vaeaug.workflows.pictures.picture_settings import TraverseSettings
from vaeaug.workflows.pictures.single_image import class_of, read_single_image
from vaeaug.workflows.run import Run, begin_run
from vaeaug.workflows.settings import build, expand_user


@dataclass(frozen=True, slots=True)
class TraverseResult:
    """The result of `traverse`.

    Attributes:
        out: the directory, with one picture per class.
        latents: class -> the names of the dimensions that are shown, the most informative first.
        measure: what they are ordered by: `kl` in nats, or `variance`.
    """

    out: Path
    latents: dict[str, tuple[str, ...]]
    measure: str

    @classmethod
    def from_record(cls, out: Path, record: Mapping[str, Any]) -> TraverseResult:
        """Return the result of a finished run from its `vaeaug.json`."""
        latents = {name: tuple(entry["latent"] for entry in rows) for name, rows in record["latents"].items()}
        return cls(out, latents, record["measure"])


def traverse(model: str | Path, out: str | Path, *, progress: Progress = SILENT, **settings: Any) -> TraverseResult:
    """Draw what each latent dimension of a model does: one picture per class, one row per dimension.

    Args:
        model: the directory of the model.
        out: the output directory: a path that does not exist, or an empty directory.
        **settings: the options of `vaeaug traverse`, with underscores; the fields of `TraverseSettings`.

    Raises:
        InputError: if the latents of the model are codes and have no axes, or if the model, the image, an option or the
            output directory cannot be used; nothing was changed.
    """
    chosen: TraverseSettings = build(TraverseSettings, settings, "vaeaug.traverse")
    run = begin_run(chosen, progress)
    model, out = expand_user(model), expand_user(out)
    stored = run.open_model(model, allow_imports=chosen.allow_imports)
    image, inputs = None, [model]
    labels = [stored.record.label(name) for name in dict.fromkeys(chosen.classes)] or list(range(len(stored.classes)))
    if is_discrete(stored.latents(labels[0]).latents.latent):
        raise InputError(
            f"the latents of the variant '{stored.record.variant.name}' are codes, which have no axes to move along; "
            "to see the path between two images, use: vaeaug interpolate"
        )
    if chosen.image is not None:
        image, labels = _start_image(stored, expand_user(chosen.image), chosen)
        inputs.append(expand_user(chosen.image))
    resolved = {
        "model": stored.record.fingerprint,
        "classes": [stored.classes[label] for label in labels],
        "image": None if image is None else hashlib.blake2b(image.tobytes(), digest_size=16).hexdigest(),
    }
    with run.writing(out, resolved, inputs=inputs) as run:
        if (record := run.finished_record()) is not None:
            return TraverseResult.from_record(run.staging.final, record)
        axes_by_class = _draw(run, stored, labels, image)
        measure = "kl" if all(axes.is_kl for axes, _ in axes_by_class.values()) else "variance"
        entries = {name: [_entry(axes, i) for i in dimensions] for name, (axes, dimensions) in axes_by_class.items()}
        found = {"measure": measure, "steps": chosen.steps, "reach": chosen.reach, "latents": entries}
        run.write_record("traverse", model=stored.record, **found)
        run.publish()
    names = {name: tuple(axes.names[i] for i in dimensions) for name, (axes, dimensions) in axes_by_class.items()}
    return TraverseResult(run.staging.final, names, measure)


@one_thread()
def _start_image(model: StoredModel, path: Path, settings: TraverseSettings) -> tuple[NDArray[np.uint8], list[int]]:
    """Return the image to start from, and its class as the only entry of a list."""
    if len(settings.classes) > 1:
        raise InputError("--class can be given only once with --image, because an image has one class")
    image_HWC = read_single_image(model, path, settings.max_megapixels)
    return image_HWC, [class_of(model, path, image_HWC, next(iter(settings.classes), None))]


@one_thread()
def _draw(
    run: Run[TraverseSettings], model: StoredModel, labels: list[int], image: NDArray[np.uint8] | None
) -> dict[str, tuple[Axes, list[int]]]:
    """Write one picture per class; return for each class its dimensions, and which of them are shown, in order."""
    settings = run.settings
    run.progress.stage("Drawing latents")
    factor = settings.enlarge or traversal_factor(model.spec.height, model.spec.width)
    offsets = np.linspace(-settings.reach, settings.reach, settings.steps).tolist()
    axes_by_class: dict[str, tuple[Axes, list[int]]] = {}
    for done, label in enumerate(labels, start=1):
        name = model.classes[label]
        axes = axes_of(model, label)
        active = axes.order()
        chosen = active[: settings.latents]
        base = axes.mean if image is None else _encoded(model, image, label)
        pictures = traverse_axes(model, label, base, axes, chosen, offsets)
        rows = [
            TraversalRow(f"z {axes.names[i]}", _information_text(axes, i), list(images))
            for i, images in zip(chosen, pictures, strict=True)
        ]
        start = "mean" if image is None else "image"
        columns = [f"{move:+.3g}" if move else "0" for move in offsets]
        count_text = f"{len(chosen)} of {len(active)} active latents shown"
        title = f"{name}: {count_text}; offset from the {start} in standard deviations"
        traversal_sheet(title, columns, rows, factor).save(run.content / f"{folder_name(name)}.png")
        axes_by_class[name] = axes, chosen
        run.progress.tick(Tick(done / len(labels)))
    return axes_by_class


@torch.no_grad()
def _encoded(model: StoredModel, image_HWC: NDArray[np.uint8], label: int) -> Latent:
    x_1CHW = as_images(image_HWC[None], model.device)
    return model.network(label).variant.encode(x_1CHW, torch.tensor([label], device=model.device)).latent


def _information_text(axes: Axes, dimension: int) -> str:
    value = float(axes.importance_D[dimension])
    return f"{value:.2f} nats" if axes.is_kl else f"variance {value:.3g}"


def _entry(axes: Axes, dimension: int) -> dict[str, Any]:
    return {
        "latent": axes.names[dimension],
        "kl" if axes.is_kl else "variance": round(float(axes.importance_D[dimension]), 4),
        "standard_deviation": round(float(axes.std_D[dimension]), 4),
    }
