"""The images and the trained models of `inpainting.py`."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path
from typing import Any

import fashion_mnist as fashion
import numpy as np
from numpy.typing import NDArray
from PIL import Image

import vaeaug
from vaeaug.inpainting.blend_fitting import fit_blend_weights
from vaeaug.inpainting.encoder_store import InpaintingEncoder, load_inpainting_encoder, save_inpainting_encoder
from vaeaug.inpainting.train_encoder import train_inpainting_encoder
from vaeaug.models.pixel_gaussians import load_pixel_gaussians
from vaeaug.models.store import StoredModel
from vaeaug.seeds import seed_of

CIFAR_SIZE = 32


def read(task: dict[str, Any], cifar: Path | None) -> tuple[Any, Any, Any, Any, tuple[str, ...]]:
    """Return training images and labels, test images (uint8, NHWC) and labels, and the classes in sorted order."""
    if task["data"] == "fashion":
        classes = tuple(sorted(fashion.CLASSES))
        order = np.array([classes.index(name) for name in fashion.CLASSES])
        (x, y), (test_x, test_y) = fashion.load("train"), fashion.load("t10k")
        y, test_y = order[y], order[test_y]
    else:
        if cifar is None:
            raise SystemExit("--data cifar needs --cifar FOLDER")
        classes = tuple(sorted(path.name for path in (cifar / "train").iterdir()))
        parts = {}
        for split in ("train", "test"):
            files = [
                (path, label) for label, name in enumerate(classes) for path in sorted((cifar / split / name).iterdir())
            ]
            images = [np.asarray(Image.open(path).convert("RGB").resize((CIFAR_SIZE, CIFAR_SIZE))) for path, _ in files]
            parts[split] = np.stack(images), np.array([label for _, label in files])
        (x, y), (test_x, test_y) = parts["train"], parts["test"]
    chosen = np.concatenate([np.flatnonzero(y == label)[: task["per_class"]] for label in range(len(classes))])
    tested = np.random.default_rng(0).permutation(len(test_x))[: task["images"]]
    return x[chosen], y[chosen], test_x[tested], test_y[tested], classes


def trained(
    task: dict[str, Any],
    results: Path,
    images: NDArray[np.uint8],
    labels: NDArray[np.int64],
    classes: tuple[str, ...],
    **settings: Any,
) -> tuple[StoredModel, InpaintingEncoder, dict[str, float]]:
    """Train a model and its partial encoder, and say how many seconds of the processor each took.

    Both are kept in the results folder, for the parts of the benchmark that judge them differently.
    """
    of = {name: value for name, value in task.items() if name not in ("images", "ablate", "latents", "methods")}
    root = results / f"{task['data']}-{seed_of(json.dumps(of, sort_keys=True)) % 10**8}"
    if (root / "seconds.json").exists():
        model = vaeaug.load(root / "model", device="cpu").stored
        partial = load_inpainting_encoder(model)
        assert partial is not None
        return model, partial, json.loads((root / "seconds.json").read_text())
    shutil.rmtree(root, ignore_errors=True)
    for number, (pixels_HWC, label) in enumerate(zip(images, labels, strict=True)):
        folder = root / "data" / classes[label]
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels_HWC.squeeze()).save(folder / f"{number:05d}.png")
    began = time.process_time()
    model = vaeaug.train(
        root / "data", root / "model", seed=task["seed"], workers=1, inpainting=task["real"], **settings
    ).stored
    between = time.process_time()
    if not task["real"]:
        partial = train_inpainting_encoder(model, None, None, steps=task["steps"], seed=task["seed"])
        gaussians = load_pixel_gaussians(model)
        assert gaussians is not None
        fit_blend_weights(model, partial, gaussians, None, holes_per_kind=12, seed=task["seed"])
        save_inpainting_encoder(model, partial)
    seconds = {"model_seconds": between - began, "partial_seconds": time.process_time() - between}
    (root / "seconds.json").write_text(json.dumps(seconds))
    partial = load_inpainting_encoder(model)
    assert partial is not None
    return model, partial, seconds
