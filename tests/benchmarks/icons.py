"""Do transparent icons survive the way through OUT and a reader? A classifier with and without synthetic images.

    npm pack emoji-datasource-twitter && tar xzf emoji-datasource-twitter-*.tgz
    python tests/benchmarks/icons.py package --results /tmp/icons --seeds 0 1 2 3 4

The data are the 64x64 icons of the npm package `emoji-datasource-twitter` (most RGBA, some with a palette and a
transparent entry), in its eight largest categories. Per seed, 60 icons per class are training images and 60 others are
test images. `vaeaug augment` extends them twice, with `--copy auto` and with `--copy exact`, and everything is then
read through torchvision's `ImageFolder` with its own loader, as a user's training script would. Four arms:

- `files`: the icons as they are, no synthetic images;
- `exact`: OUT of `--copy exact`, real and synthetic images;
- `composited`: OUT of `--copy auto`, the real images only;
- `auto`: OUT of `--copy auto`, real and synthetic images.

Each arm is tested on the test images of its own directory. All take the same steps from the seed's weights.
"""

from __future__ import annotations

import argparse
import json
import shutil
from collections import defaultdict
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torchvision.datasets import ImageFolder

import vaeaug
from vaeaug.classifier.fit import ClassifierConfig, Source, fit_classifier
from vaeaug.seeds import seed_of

CLASSES, PER_CLASS = 8, 60
ARMS = {"files": ("data", False), "exact": ("exact", True), "composited": ("auto", False), "auto": ("auto", True)}


def icons(package: Path) -> dict[str, list[Path]]:
    """Return the icons of the largest categories, class by class, without byte-identical ones."""
    found: defaultdict[str, list[Path]] = defaultdict(list)
    seen: set[bytes] = set()
    for row in json.loads((package / "emoji.json").read_text(encoding="utf-8")):
        path = package / "img" / "twitter" / "64" / row["image"]
        if row["has_img_twitter"] and path.read_bytes() not in seen:
            seen.add(path.read_bytes())
            found[row["category"]].append(path)
    largest = sorted(found, key=lambda name: (-len(found[name]), name))[:CLASSES]
    return {name: sorted(found[name]) for name in sorted(largest)}


def lay_out(classes: dict[str, list[Path]], data: Path, seed: int) -> None:
    """Copy a seed's draw of training and test images into class folders."""
    for name, paths in classes.items():
        order = np.random.default_rng(seed_of(seed, "icons", name)).permutation(len(paths))[: 2 * PER_CLASS]
        for place, number in enumerate(order):
            folder = data / ("train" if place < PER_CLASS else "test") / name
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(paths[number], folder / paths[number].name)


def read(folder: Path, *, synthetic: bool) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return what torchvision's loader makes of a folder: uint8 (N, 64, 64, 3) and the class indices."""
    dataset = ImageFolder(folder, is_valid_file=lambda path: synthetic or not Path(path).name.startswith("synthetic-"))
    pairs = [dataset[index] for index in range(len(dataset))]
    return np.stack([np.asarray(image) for image, _ in pairs]), np.array([label for _, label in pairs], np.int64)


def accuracy(root: Path, seed: int, steps: int, *, synthetic: bool) -> float:
    """Train on `root/train` and return the accuracy on `root/test`, in percent."""
    train, (test_NHWC, test_N) = read(root / "train", synthetic=synthetic), read(root / "test", synthetic=True)
    classifier = fit_classifier([Source(*train)], CLASSES, seed=seed, config=ClassifierConfig(steps=steps))
    return float(100 * (classifier.probabilities(test_NHWC).argmax(axis=1) == test_N).mean())


def main() -> None:
    """Run all seeds and print accuracies per arm."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("package", type=Path, help="the unpacked npm package")
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--steps", type=int, default=800, help="of each classifier")
    options = parser.parse_args()
    torch.set_num_threads(1)
    classes = icons(options.package)
    table: defaultdict[str, list[float]] = defaultdict(list)
    for seed in options.seeds:
        root = options.results / str(seed)
        if not (root / "data").exists():
            lay_out(classes, root / "data", seed)
        for copy in ("auto", "exact"):
            if not (root / copy).exists():
                vaeaug.augment(root / "data", root / copy, copy=copy, seed=seed, resume=True)
        for arm, (folder, synthetic) in ARMS.items():
            table[arm].append(accuracy(root / folder, seed, options.steps, synthetic=synthetic))
        print(f"seed {seed}: " + "  ".join(f"{arm} {values[-1]:.1f}" for arm, values in table.items()), flush=True)
    for arm, values in table.items():
        print(f"{arm:12} {np.mean(values):5.1f} +- {np.std(values, ddof=len(values) > 1):.1f}")


if __name__ == "__main__":
    main()
