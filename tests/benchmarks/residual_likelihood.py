"""How likely are held-out images if the decoder's residual is white, and if it is coloured? Nats per image.

    python tests/benchmarks/residual_likelihood.py --results /tmp/residual --cifar FOLDER --seeds 0 1 2

A model (`vae`, one network for all classes, loss `gaussian`) is trained on `--per-class` images per class. Held-out
images get uniform noise of one level of 255, so that a density bounds the likelihood of the stored values. Of them, the
negative ELBO (one draw) and the importance-weighted bound with 64 draws are computed twice with the same network: with
the loss that it was trained with, whose residual is white noise of one variance, and with the Gaussian that the model
stores of its residuals, low rank plus stationary. Densities are of values in [0, 1]; lower is better.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
from pathlib import Path
from typing import Any

import fashion_mnist as fashion
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

import vaeaug
from vaeaug.models.likelihood import iwae_bound
from vaeaug.models.pixel_gaussians import load_pixel_gaussians

BOUNDS = {"ELBO": 1, "IWAE-64": 64}
BATCH = 25


def cifar_images(folder: Path, split: str) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return the images of class folders and their labels."""
    images, labels = [], []
    for label, directory in enumerate(sorted((folder / split).iterdir())):
        for path in sorted(directory.iterdir()):
            images.append(np.asarray(Image.open(path).convert("RGB")))
            labels.append(label)
    return np.stack(images), np.array(labels)


def measure(data: str, seed: int, arguments: argparse.Namespace) -> dict[str, float]:
    """Train a model and return the mean of each bound, white and coloured."""
    if data == "fashion":
        (x, y), (test_x, _) = fashion.load("train"), fashion.load("t10k")
    else:
        (x, y), (test_x, _) = cifar_images(arguments.cifar, "train"), cifar_images(arguments.cifar, "test")
    root = arguments.results / f"{data}-{seed}"
    if not (root / "model" / "model.json").exists():
        shutil.rmtree(root, ignore_errors=True)
        for label in np.unique(y):
            (root / "data" / str(label)).mkdir(parents=True)
            for number in np.flatnonzero(y == label)[: arguments.per_class]:
                Image.fromarray(x[number].squeeze()).save(root / "data" / str(label) / f"{number}.png")
        settings: dict[str, Any] = {"variant": "vae", "scope": "shared", "loss": "gaussian", "seed": seed}
        vaeaug.train(root / "data", root / "model", workers=1, **settings)
    model = vaeaug.load(root / "model", device="cpu").stored
    gaussians = load_pixel_gaussians(model)
    assert gaussians is not None
    rng = np.random.default_rng(seed)
    chosen = test_x[rng.permutation(len(test_x))[: arguments.images]]
    values = (chosen + rng.uniform(-0.5, 0.5, chosen.shape)) / 255
    x_NCHW = torch.from_numpy(values).permute(0, 3, 1, 2).float()
    found = {}
    for name, draws in BOUNDS.items():
        for kind, residual in (("white", None), ("coloured", gaussians.residuals)):
            generator = torch.Generator().manual_seed(seed)
            parts = [
                iwae_bound(
                    model.network(0), part, torch.zeros(len(part), dtype=torch.int64), generator, draws, residual
                )
                for part in x_NCHW.split(BATCH)
            ]
            found[f"{name}, {kind}"] = float(torch.cat(parts).mean())
    print(data, seed, {name: round(value, 1) for name, value in found.items()}, flush=True)
    return found


def main() -> None:
    """Print the bounds of each data set: means and standard deviations over seeds."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--results", type=Path, required=True, help="folder of models; what is there is used")
    parser.add_argument("--cifar", type=Path, help="folder with train/<class>/ and test/<class>/")
    parser.add_argument("--per-class", type=int, default=500)
    parser.add_argument("--images", type=int, default=300, help="held-out images")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    names = [f"{bound}, {kind}" for bound in BOUNDS for kind in ("white", "coloured")]
    lines = []
    for data in ("fashion", *(["cifar"] if arguments.cifar else [])):
        rows = [measure(data, seed, arguments) for seed in arguments.seeds]
        cells = []
        for name in names:
            values = [row[name] for row in rows]
            std = f" +- {statistics.stdev(values):.1f}" if len(values) > 1 else ""
            cells.append(f"{statistics.mean(values):.1f}{std}")
        lines.append(f"| {data} | {' | '.join(cells)} |")
    print(f"\n| | {' | '.join(names)} |\n|{'---|' * (len(names) + 1)}")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
