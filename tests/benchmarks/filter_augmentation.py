"""Which classical augmentation the filter's classifiers should be trained with, and what choosing it by data gains.

    python tests/benchmarks/filter_augmentation.py --data fashion --seeds 0 1 2
    python tests/benchmarks/filter_augmentation.py --data cifar --cifar DIR --seeds 0 1 2
    python tests/benchmarks/filter_augmentation.py --data silhouettes --seeds 0 1 2

Each seed draws PER_CLASS training images of each of ten classes. Per pipeline, the three classifiers of the filter are
trained as `augment` trains them. Printed per pipeline, as means over folds and seeds:

- accuracy: of each classifier on the images of its fold, which it has not seen, in percent;
- caught: how many images of another class the filter drops when they are offered as samples, in percent;
- spared: how many other unseen real images of the class it keeps, in percent (about 98 by construction);
- seconds of processor time for one classifier.

`chosen` is what a choice would give: per seed, the pipeline whose classifier is best on the images of the first fold
(the earlier one if several are), with the mean accuracy over all three folds.

The images that are offered come from the rest of the data set, so neither a classifier nor its thresholds saw them.
"""

from __future__ import annotations

import argparse
import dataclasses
import time
from collections import defaultdict
from pathlib import Path

import numpy as np
import torch
import utility_data
from numpy.typing import NDArray

from vaeaug.classifier.classical import parse_pipeline
from vaeaug.classifier.fit import Source, fit_classifier
from vaeaug.classifier.folds import stratified_folds
from vaeaug.evaluation.arms import LabelledImages
from vaeaug.seeds import seed_of
from vaeaug.synthesis.filters import ClassifierFilter, Fold
from vaeaug.workflows.synthetic.sample_filter import CONFIG, FOLDS

OFFERED = 50  # samples per class, and as many of other classes


def classifier(real: LabelledImages, fold_N: NDArray[np.int64], fold: int, name: str, steps: int, seed: int) -> Fold:
    """Train the classifier of one fold with a pipeline: `none`, or a name such as `mild+flip`."""
    rows = np.flatnonzero(fold_N != fold)
    pixels_NHWC, labels_N = real.pixels_NHWC[rows], real.labels_N[rows]
    augment = None
    if name != "none":
        flip = "+flip" in name
        pipeline = dataclasses.replace(parse_pipeline(name.replace("+flip", "")), flip=flip)
        augment = pipeline.build(pixels_NHWC)
    config = dataclasses.replace(CONFIG, steps=steps)
    sources = [Source(pixels_NHWC, labels_N)]
    trained = fit_classifier(
        sources, utility_data.CLASSES, seed=seed_of(seed, "judge", fold), config=config, augment=augment
    )
    return Fold(trained, np.flatnonzero(fold_N == fold))


def right_of(fold: Fold, real: LabelledImages) -> float:
    """Return the accuracy of a classifier on the images that it has not seen, in percent."""
    predicted_U = fold.classifier.probabilities(real.pixels_NHWC[fold.unseen]).argmax(axis=1)
    return 100 * float((predicted_U == real.labels_N[fold.unseen]).mean())


def offered(judge: ClassifierFilter, rest: LabelledImages, *, wrong: bool, seed: int) -> float:
    """Offer images as samples of their class, or of another one; return the percentage that is dropped."""
    rng = np.random.default_rng([seed, int(wrong)])
    dropped = []
    for label in range(utility_data.CLASSES):
        rows = np.flatnonzero((rest.labels_N != label) if wrong else (rest.labels_N == label))
        pixels_BHWC = rest.pixels_NHWC[rng.choice(rows, OFFERED, replace=False)]
        dropped += [verdict is not None for verdict in judge.verdicts(pixels_BHWC, label, [None] * OFFERED)]
    return 100 * float(np.mean(dropped))


def main() -> None:
    """Train the filters of all pipelines and seeds and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", choices=utility_data.FLIPS, default="fashion")
    parser.add_argument("--cifar", type=Path)
    parser.add_argument("--per-class", type=int, default=60)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--steps", type=int, default=CONFIG.steps)
    parser.add_argument("--classical", nargs="+", default=["none", "mild", "mild+flip", "trivialaugment"])
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    train, rest = utility_data.load(chosen.data, chosen.cifar)
    found: defaultdict[str, list[tuple[float, ...]]] = defaultdict(list)
    of_choice = []
    for seed in chosen.seeds:
        real = utility_data.draw(train, chosen.per_class, 1, seed)
        fold_N = stratified_folds(real.labels_N, FOLDS, seed)
        by_name = {}
        for name in chosen.classical:
            began = time.process_time()
            folds = [classifier(real, fold_N, fold, name, chosen.steps, seed) for fold in range(FOLDS)]
            seconds = (time.process_time() - began) / FOLDS
            right = [right_of(fold, real) for fold in folds]
            judge = ClassifierFilter(folds, real.pixels_NHWC, real.labels_N)
            caught = offered(judge, rest, wrong=True, seed=seed)
            spared = 100 - offered(judge, rest, wrong=False, seed=seed)
            by_name[name] = right
            found[name].append((float(np.mean(right)), caught, spared, seconds))
            print(
                f"seed {seed} {name:16} folds "
                + " ".join(f"{value:.1f}" for value in right)
                + f"  caught {caught:.1f}  spared {spared:.1f}  {seconds:.1f} s",
                flush=True,
            )
        of_choice.append(np.mean(max(by_name.values(), key=lambda right: right[0])))
    print(f"{'chosen':16} accuracy {np.mean(of_choice):5.1f}")
    for name, rows in found.items():
        accuracy, caught, spared, seconds = np.mean(rows, axis=0)
        print(f"{name:16} accuracy {accuracy:5.1f}  caught {caught:5.1f}  spared {spared:5.1f}  {seconds:5.1f} s")


if __name__ == "__main__":
    main()
