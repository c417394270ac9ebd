"""The L2 penalty of the linear layer on frozen features, on draws that are not reported.

    python tests/benchmarks/linear_head.py --results /tmp/linear-head --cifar DIR

Features of EfficientNet-Lite0 at 96 pixels (`own_classifier.py`), 20 and 50 training images per class, seeds 100 and
101; tested on 400 images of the pool that training images are drawn from, not on the test images. Rows are values of
`ClassifierConfig.l2`, and scikit-learn's logistic regression with its penalty chosen on the same images.
"""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path

import numpy as np
import own_classifier
from sklearn.linear_model import LogisticRegression
from utility_data import CLASSES, draw, load

from vaeaug.classifier.fit import Source
from vaeaug.classifier.linear_head import LINEAR_HEAD, fit_linear_head
from vaeaug.evaluation.arms import LabelledImages
from vaeaug.evaluation.embedding import pretrained_embedding
from vaeaug.nn.network_input import NetworkInput

TESTED = 400
SEEDS = (100, 101)
PENALTIES = (0.0, 8e-5, 2.4e-4, 8e-4, 2.4e-3)
SOLVER = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2)


def features(file: Path, data: str, cifar: Path | None, per_class: int, seed: int) -> dict[str, np.ndarray]:
    """Return features and labels of a draw, and of the images that it is tested on; computed once."""
    if not file.exists():
        pool, _ = load(data, cifar)
        order = np.random.default_rng(0).permutation(len(pool.labels_N))
        tested, rest = order[-TESTED:], np.sort(order[:-TESTED])
        real = draw(LabelledImages(pool.pixels_NHWC[rest], pool.labels_N[rest]), per_class, 1, seed)
        compute = pretrained_embedding(f"{own_classifier.__name__}:lite0", images=NetworkInput(96)).compute
        test_ND, train_ND = compute(pool.pixels_NHWC[tested]), compute(real.pixels_NHWC)
        np.savez(file, train=train_ND, labels=real.labels_N, test=test_ND, test_labels=pool.labels_N[tested])
    with np.load(file, allow_pickle=False) as arrays:
        return dict(arrays)


def scores(arrays: dict[str, np.ndarray], steps: int) -> list[float]:
    """Return the accuracy with each penalty, then the best one of the solver."""
    train_ND, test_ND = arrays["train"], arrays["test"]
    found = []
    for penalty in PENALTIES:
        config = dataclasses.replace(LINEAR_HEAD, l2=penalty, steps=steps)
        head = fit_linear_head([Source(train_ND[:, None], arrays["labels"])], CLASSES, seed=0, config=config)
        found.append(float((head.probabilities(test_ND[:, None]).argmax(axis=1) == arrays["test_labels"]).mean()))
    mean_D, std_D = train_ND.mean(axis=0), train_ND.std(axis=0) + 1e-6
    solvers = [LogisticRegression(C=c, max_iter=500).fit((train_ND - mean_D) / std_D, arrays["labels"]) for c in SOLVER]
    best = max(solver.score((test_ND - mean_D) / std_D, arrays["test_labels"]) for solver in solvers)
    return [*found, float(best)]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--results", type=Path, required=True, help="folder for the features")
    parser.add_argument("--cifar", type=Path, required=True, metavar="DIR", help="where CIFAR-10 is, as class folders")
    parser.add_argument("--steps", type=int, default=600)
    arguments = parser.parse_args()
    arguments.results.mkdir(parents=True, exist_ok=True)
    print(f"| data, per class | {' | '.join(f'{penalty:g}' for penalty in PENALTIES)} | solver |", flush=True)
    for data in ("cifar", "fashion"):
        for per_class in (20, 50):
            rows = [
                scores(
                    features(
                        arguments.results / f"{data}-{per_class}-{seed}.npz", data, arguments.cifar, per_class, seed
                    ),
                    arguments.steps,
                )
                for seed in SEEDS
            ]
            print(
                f"| {data}, {per_class} | {' | '.join(f'{100 * mean:.1f}' for mean in np.mean(rows, axis=0))} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
