"""Does a classifier that knows the real Fashion-MNIST take the synthetic images for their class?

    python tests/benchmarks/recognition.py --per-class 60 600 --seeds 0 1 2 [--set NAME=VALUE ...]

Trains on the first N images a class, draws 200 images a class with each sampler, and prints for each

- recognized: the share that a classifier trained on all 60,000 real images takes for their class, in percent;
- distance: the Frechet distance between the classifier's features of the samples and of the 10,000 real test images
  (a metric of its own: not comparable with published FIDs);
- coverage: the share of real test images with a sample among their 5 nearest real neighbours (Naeem et al. 2020).

Beside them stand the same figures for as many real images that the VAE was not trained on (the classifier was).
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path

import fashion_mnist as fashion
import numpy as np
import torch
from metrics import features, frechet, prdc
from PIL import Image
from torch import nn

import vaeaug

SAMPLES = 200


def write_dataset(directory: Path, images: np.ndarray, labels: np.ndarray, count: int) -> None:
    """Write the first `count` images of each class as PNGs in class folders."""
    for label, name in enumerate(fashion.CLASSES):
        (directory / name).mkdir(parents=True)
        for number, pixels in enumerate(images[labels == label][:count]):
            Image.fromarray(pixels[:, :, 0]).save(directory / name / f"{number:05d}.png")


def judge(model: nn.Sequential, real: np.ndarray, images: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """Return the three figures of a set of images."""
    mine = features(model, images)
    return {
        "recognized": 100 * float((fashion.predict(model, images) == labels).mean()),
        "distance": frechet(mine, real),
        "coverage": 100 * prdc(real[:2000], mine)["coverage"],
    }


def main() -> None:
    """Print a line for every number of images, seed and sampler, then means and spreads."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=fashion.DEFAULT)
    parser.add_argument(
        "--classifier", type=Path, default=Path(tempfile.gettempdir(), "fashion-classifier.safetensors")
    )
    parser.add_argument("--per-class", type=int, nargs="+", default=[60])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--samplers", nargs="+", default=["prior", "mixture"])
    parser.add_argument("--set", action="append", default=[], metavar="NAME=JSON", help="a setting of vaeaug.train")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--sheet", type=Path, help="write a PNG of samples, a row a class and sampler")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    settings = {item.partition("=")[0]: json.loads(item.partition("=")[2]) for item in arguments.set}
    model = fashion.classifier(arguments.classifier, arguments.data)
    images, labels = fashion.load("train", arguments.data)
    test_images, test_labels = fashion.load("t10k", arguments.data)
    real = features(model, test_images)
    held_out = np.concatenate([np.flatnonzero(labels == c)[-SAMPLES:] for c in range(10)])
    print("settings:", json.dumps(settings))
    accuracy = float((fashion.predict(model, test_images) == test_labels).mean())
    print(f"real test images: {100 * accuracy:.1f} % recognized")
    print("real, not trained on:", _line(judge(model, real, images[held_out], labels[held_out])))
    wanted = np.repeat(np.arange(10), SAMPLES)
    for count in arguments.per_class:
        rows: dict[str, list[dict[str, float]]] = {}
        for seed in arguments.seeds:
            with tempfile.TemporaryDirectory() as temporary:
                write_dataset(Path(temporary, "data"), images, labels, count)
                began = time.perf_counter()
                trained = vaeaug.train(
                    Path(temporary, "data"), Path(temporary, "model"), seed=seed, workers=arguments.workers, **settings
                )
                seconds = time.perf_counter() - began
                sheet = []
                for sampler in arguments.samplers:
                    made = np.concatenate(
                        [trained.sample(name, SAMPLES, seed=seed, sampler=sampler) for name in fashion.CLASSES]
                    )
                    figures = judge(model, real, made, wanted)
                    rows.setdefault(sampler, []).append(figures)
                    line = f"{count} a class, seed {seed}, {sampler}: {_line(figures)}  trained in {seconds:.0f} s"
                    print(line, flush=True)
                    sheet.append(made.reshape(10, SAMPLES, 28, 28)[:, :14])
                if arguments.sheet is not None:
                    grid = np.stack(sheet, axis=1).transpose(0, 3, 1, 2, 4).reshape(280, -1)
                    Image.fromarray(grid).resize((2 * grid.shape[1], 560), Image.Resampling.NEAREST).save(
                        arguments.sheet
                    )
        for sampler, figures in rows.items():
            mean = {name: statistics.mean(row[name] for row in figures) for name in figures[0]}
            spread = {name: statistics.pstdev(row[name] for row in figures) for name in figures[0]}
            print(f"{count} a class, {sampler}: mean {_line(mean)}; spread {_line(spread)}", flush=True)


def _line(figures: dict[str, float]) -> str:
    return "  ".join(f"{name} {value:.2f}" for name, value in figures.items())


if __name__ == "__main__":
    main()
