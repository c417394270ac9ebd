"""What `utility.py` trains and tests on: draws from public data sets of ten classes."""

from __future__ import annotations

from pathlib import Path

import fashion_mnist as fashion
import numpy as np
import silhouettes
from PIL import Image

from vaeaug.evaluation.arms import LabelledImages

FLIPS = {"fashion": True, "mnist": False, "cifar": True, "silhouettes": True}  # digits have a left and a right
POLICIES = {"fashion": "mild", "mnist": "full", "cifar": "mild", "silhouettes": "full"}  # of the arm `classical`
TESTED = 6000  # test images of Fashion-MNIST
HELD_OUT = 300  # test images a class of the small ones; an interval is as wide as test images are few
CLASSES = 10


def load(name: str, cifar: Path | None) -> tuple[LabelledImages, LabelledImages]:
    """Return the images that training images are drawn from, and the test images.

    Args:
        name: of the data set, a key of `FLIPS`.
        cifar: where CIFAR-10 is, if that is meant.
    """
    if name == "fashion":
        train, test = (LabelledImages(*fashion.load(split)) for split in ("train", "t10k"))
        rows = np.random.default_rng(0).permutation(len(test.labels_N))[:TESTED]
        return train, LabelledImages(test.pixels_NHWC[rows], test.labels_N[rows])
    if name == "silhouettes":
        train, test = (LabelledImages(*silhouettes.load(HELD_OUT, seed)) for seed in (0, 1))
        return train, test
    if name == "mnist":
        import digits

        data = digits.load("mnist")
        every = LabelledImages(data.images, data.labels)
    elif cifar is None:
        raise SystemExit("--data cifar needs --cifar DIR with train/<class>/* and test/<class>/*")
    else:
        every = joined([_folders(cifar / split) for split in ("train", "test")])
    order = np.random.default_rng(0).permutation(len(every.labels_N))
    ranked = [order[every.labels_N[order] == label] for label in range(CLASSES)]
    rows = [np.concatenate(part) for part in ([r[HELD_OUT:] for r in ranked], [r[:HELD_OUT] for r in ranked])]
    train, test = (LabelledImages(every.pixels_NHWC[part], every.labels_N[part]) for part in rows)
    return train, test


def _folders(root: Path) -> LabelledImages:
    """Read class folders of colour images of one size."""
    paths = [(path, label) for label, folder in enumerate(sorted(root.iterdir())) for path in sorted(folder.iterdir())]
    pixels = [np.asarray(Image.open(path).convert("RGB")) for path, _ in paths]
    return LabelledImages(np.stack(pixels), np.array([label for _, label in paths]))


def draw(train: LabelledImages, per_class: int, tail: float, seed: int) -> LabelledImages:
    """Draw training images: of class k as many as `per_class` times `tail` to the power of -k / 9, at least two."""
    rng = np.random.default_rng([seed, 1])
    rows = []
    for label in range(CLASSES):
        count = max(2, round(per_class * tail ** (-label / (CLASSES - 1))))
        rows.append(rng.permutation(np.flatnonzero(train.labels_N == label))[:count])
    chosen = np.concatenate(rows)
    return LabelledImages(train.pixels_NHWC[chosen], train.labels_N[chosen])


def joined(parts: list[LabelledImages]) -> LabelledImages:
    """Return all images of several lots."""
    return LabelledImages(np.concatenate([p.pixels_NHWC for p in parts]), np.concatenate([p.labels_N for p in parts]))
