"""Do flat backgrounds stay clean, and does keeping them clean cost accuracy? With and without the rule for them.

    python tests/benchmarks/flat_backgrounds.py DATA --background black --sheet sheet.png
    python tests/benchmarks/flat_backgrounds.py --fashion --steps 600 --seeds 0 1 2 3 4

The images are x + sum_j w_j x_j, a contrast of four other images of the class at the default strength of `residual`:
what this sampler would make with a linear decoder, so that no model is trained. All other limits of pixels apply.

With DATA, printed per class are the fractions of background pixels (of the class's colour) whose value changes at all
and by more than 2 of 255, and the mean change of the other pixels. `--background` is what transparent images are
composited over. The sheet has three columns per image: the real one, changed without the rule, changed with it.

With `--fashion`, a classifier is trained per seed on 50 images per class of Fashion-MNIST and ten changed ones for
each, and tested on 6,000.
"""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
import utility_data
from numpy.typing import NDArray
from PIL import Image
from utility_sources import STRENGTH

from vaeaug.classifier.fit import ClassifierConfig, Source, fit_classifier
from vaeaug.dataset.scan import scan
from vaeaug.evaluation.arms import LabelledImages
from vaeaug.progress import SILENT
from vaeaug.synthesis.flat_background import NOISE
from vaeaug.synthesis.pixel_limits import pixel_limits
from vaeaug.workflows.image_data import read_for_training
from vaeaug.workflows.train_settings import TrainSettings

OTHERS, RATIO, PER_CLASS = 4, 10, 50
SHOWN, SHOWN_SIDE = 4, 128  # images per class on the sheet


def changed(
    pixels_NHWC: NDArray[np.uint8], count: int, *, rule: bool, seed: int
) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """Yield `count` changed images of one class, each with the row of the image that it was made from."""
    rng = np.random.default_rng(seed)
    limits = pixel_limits(pixels_NHWC, np.arange(len(pixels_NHWC)))
    limits = limits if rule else dataclasses.replace(limits, background=None)
    shades_NHWC = pixels_NHWC.astype(np.float32) / 255
    for number in range(count):
        row = number % len(pixels_NHWC)
        others = rng.permutation(len(pixels_NHWC))[:OTHERS]
        weights = rng.normal(size=len(others))
        weights = STRENGTH * (weights - weights.mean()) / np.sqrt(max(len(others) - 1, 1))
        x_HWC = shades_NHWC[row]
        contrast_HWC = np.tensordot(weights.astype(np.float32), shades_NHWC[others], 1)
        out_HWC = limits.apply(x_HWC, x_HWC + contrast_HWC)
        yield row, np.round(np.clip(out_HWC, 0, 1) * 255).astype(np.uint8)


def measure(label: str, pixels_NHWC: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    """Print what changes in a class's background; return the rows of the sheet."""
    background = pixel_limits(pixels_NHWC, np.arange(len(pixels_NHWC))).background
    if background is None:
        print(f"{label:16} no flat background, or near-binary")
        return []
    colour_C = np.round(background.colour_C * 255).astype(int)
    made = {rule: list(changed(pixels_NHWC, 60, rule=rule, seed=0)) for rule in (False, True)}
    words = []
    for rule, images in made.items():
        found = []
        for row, out_HWC in images:
            x_HWC = pixels_NHWC[row].astype(int)
            change_HW = np.abs(out_HWC.astype(int) - x_HWC).max(axis=2)
            inside_HW = np.abs(x_HWC - colour_C).max(axis=2) <= 255 * NOISE
            if inside_HW.any() and not inside_HW.all():
                change_B = change_HW[inside_HW]
                found.append(((change_B > 0).mean(), (change_B > 2).mean(), change_HW[~inside_HW].mean() / 255))
        some, visible, elsewhere = np.mean(found, axis=0)
        words.append(
            f"{'with' if rule else 'without'} {some:6.1%} {visible:6.1%} by more than 2, elsewhere {elsewhere:.3f}"
        )
    print(f"{label:16} colour {colour_C.tolist()}: " + "; ".join(words), flush=True)
    shown = zip(*(made[rule][:SHOWN] for rule in (False, True)), strict=True)
    return [
        np.concatenate([_large(part) for part in (pixels_NHWC[row], old, new)], 1) for (row, old), (_, new) in shown
    ]


def _large(image_HWC: NDArray[np.uint8]) -> NDArray[np.uint8]:
    image = Image.fromarray(image_HWC[..., 0] if image_HWC.shape[2] == 1 else image_HWC).convert("RGB")
    return np.asarray(image.resize((SHOWN_SIDE, SHOWN_SIDE), Image.Resampling.NEAREST))


def accuracy(seed: int, steps: int, *, rule: bool) -> float:
    """Train on real and changed images of Fashion-MNIST; return the accuracy in percent."""
    train, test = utility_data.load("fashion", None)
    real = utility_data.draw(train, PER_CLASS, 1, seed)
    parts = []
    for label in range(utility_data.CLASSES):
        mine_NHWC = real.pixels_NHWC[real.labels_N == label]
        images = [image for _, image in changed(mine_NHWC, RATIO * len(mine_NHWC), rule=rule, seed=seed)]
        parts.append(LabelledImages(np.stack(images), np.full(len(images), label)))
    synthetic = utility_data.joined(parts)
    share = RATIO / (RATIO + 1)
    sources = [
        Source(real.pixels_NHWC, real.labels_N, 1 - share),
        Source(synthetic.pixels_NHWC, synthetic.labels_N, share),
    ]
    classifier = fit_classifier(sources, utility_data.CLASSES, seed=seed, config=ClassifierConfig(steps=steps))
    return float(100 * (classifier.probabilities(test.pixels_NHWC).argmax(axis=1) == test.labels_N).mean())


def main() -> None:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", nargs="*", type=Path)
    parser.add_argument("--background", default="white")
    parser.add_argument("--sheet", type=Path)
    parser.add_argument("--fashion", action="store_true")
    parser.add_argument("--steps", type=int, default=600, help="of each classifier")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    rows = []
    for data in chosen.data:
        cache = read_for_training(scan(data), TrainSettings(workers=1, background=chosen.background), SILENT).cache
        for label in cache.classes:
            rows += measure(label, cache.pixels_NHWC[cache.indices("train", label, real=True)])
    if chosen.sheet and rows:
        Image.fromarray(np.concatenate(rows)).save(chosen.sheet)
    for seed in chosen.seeds if chosen.fashion else []:
        without, with_rule = (accuracy(seed, chosen.steps, rule=rule) for rule in (False, True))
        print(f"seed {seed}: {without:.1f} without the rule, {with_rule:.1f} with it", flush=True)


if __name__ == "__main__":
    main()
