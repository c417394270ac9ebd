"""Does `vaeaug score` find what is strange, and labels that are wrong? Beside what anyone would try first.

    python tests/benchmarks/anomaly.py --results /tmp/anomaly.jsonl

**one-class**: a model of one class of MNIST or Fashion-MNIST is trained on its training images and scores test images
of all classes. Given is the area under the ROC curve, in percent, of each column of the table; beside the mean distance
of the 5 nearest training images in pixels, and the error of a PCA with 64 components.

**labels**: 5 % of the labels are flipped to another class at random; a model is trained on all, and its images are
ranked by `label_surprise`. Given are the precision among as many images as were flipped, and the average precision;
beside the share of the 10 nearest images with another label, cleanlab's self-confidence with out-of-fold probabilities
of a logistic regression and of a small convolutional network, and our class densities on a PCA of the pixels in place
of latent features. Needs `pip install cleanlab`.

A line of JSON a task goes into the results file; what is there is not made again, so the run can be stopped.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import digits
import fashion_mnist as fashion
import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from PIL import Image
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.neighbors import NearestNeighbors

import vaeaug
from vaeaug.anomaly.label_densities import fit_densities
from vaeaug.anomaly.label_scores import label_surprise

COLUMNS = ("scaled_error", "absolute_error", "negative_elbo", "reconstruction_error", "kl", "iwae_bound")
FLIPPED = 0.05
COMPONENTS = 64
LABELLERS = (("baseline", ""), ("cvae", "per-class"), ("vae", "shared"), ("network", ""))


def write_images(folder: Path, images_NHWC: NDArray[np.uint8], names: list[str]) -> Path:
    """Write gray PNGs, `names[i]` relative to the folder."""
    for pixels_HWC, name in zip(images_NHWC, names, strict=True):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels_HWC[:, :, 0]).save(path)
    return folder


def scores(model: Path, data: Path, out: Path, number: int) -> pd.DataFrame:
    """Score images named by their number, and return the table in that order."""
    vaeaug.score(model, data, out, gallery=0, workers=1)
    table = pd.read_parquet(out / "scores.parquet")
    table.index = table["file_name"].map(lambda name: int(Path(name).stem))
    return table.loc[range(number)]


def one_class(task: dict[str, Any]) -> dict[str, float]:
    """Return the area under the ROC curve of each score, in percent."""
    data, label = digits.load(task["data"]), task["label"]
    train = data.images[[i for i in data.train if data.labels[i] == label][: task["train"]]]
    chosen = data.test[: task["test"]]
    test, strange = data.images[chosen], data.labels[chosen] != label
    x_train, x_test = (images.reshape(len(images), -1) / 255 for images in (train, test))
    found: dict[str, Any] = {}
    if task["variant"] == "baseline":
        found["5 nearest"] = NearestNeighbors(n_neighbors=5).fit(x_train).kneighbors(x_test)[0].mean(axis=1)
        pca = PCA(COMPONENTS, random_state=0).fit(x_train)
        found["PCA"] = np.square(pca.inverse_transform(pca.transform(x_test)) - x_test).mean(axis=1)
    else:
        with tempfile.TemporaryDirectory() as temporary:
            place = Path(temporary)
            names = [f"one/{i:05}.png" for i in range(len(train))]
            vaeaug.train(
                write_images(place / "train", train, names), place / "model", variant=task["variant"], scope="shared",
                seed=task["seed"], steps=task["steps"], workers=1,
            )  # fmt: skip
            test_folder = write_images(place / "test", test, [f"{i:05}.png" for i in range(len(test))])
            table = scores(place / "model", test_folder, place / "out", len(test))
        found = {name: table[name] for name in COLUMNS if not table[name].isna().any()}
    return {name: 100 * float(roc_auc_score(strange, values)) for name, values in found.items()}


def flipped_labels(task: dict[str, Any]) -> tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.int64]]:
    """Return images, their labels with some flipped, and the true labels."""
    data, random = digits.load(task["data"]), np.random.default_rng(task["seed"])
    chosen = []
    for label in range(10):
        mine = [i for i in data.train if data.labels[i] == label]
        chosen.append(random.permutation(mine)[: task["per_class"]])
    places = np.concatenate(chosen)
    true = data.labels[places]
    given = true.copy()
    wrong = random.permutation(len(places))[: round(FLIPPED * len(places))]
    given[wrong] = (given[wrong] + random.integers(1, 10, len(wrong))) % 10
    return data.images[places], given, true


def labels(task: dict[str, Any]) -> dict[str, float]:
    """Return precision and average precision of each way to find the flipped labels, in percent."""
    images, given, true = flipped_labels(task)
    wrong = given != true
    found: dict[str, NDArray[np.floating]] = {}
    if task["variant"] == "baseline":
        found = _label_baselines(images, given, task["seed"])
    elif task["variant"] == "network":
        found = {"cleanlab, network": _label_network(images, given, task["seed"])}
    else:
        with tempfile.TemporaryDirectory() as temporary:
            place = Path(temporary)
            names = [f"{fashion.CLASSES[label]}/{i:05}.png" for i, label in enumerate(given)]
            vaeaug.train(
                write_images(place / "data", images, names), place / "model", variant=task["variant"],
                scope=task["scope"], seed=task["seed"], steps=task["steps"], workers=1,
            )  # fmt: skip
            for method in ("features", "evidence"):
                if method == "evidence" and task["variant"] != "cvae":
                    continue  # it knows no class
                vaeaug.score(
                    place / "model", place / "data", place / method, judge=method, gallery=0, workers=1, draws=1
                )
                table = pd.read_parquet(place / method / "scores.parquet")
                table.index = table["file_name"].map(lambda name: int(Path(name).stem))
                found[method] = table.loc[range(len(images)), "label_surprise"].to_numpy()
    figures = {}
    for name, values in found.items():
        first = np.argsort(-values, kind="stable")[: wrong.sum()]
        figures[f"{name}: precision"] = 100 * float(wrong[first].mean())
        figures[f"{name}: average precision"] = 100 * float(average_precision_score(wrong, values))
    return figures


def _label_baselines(images: NDArray[np.uint8], given: NDArray[np.int64], seed: int) -> dict[str, NDArray[np.floating]]:
    from cleanlab.rank import get_label_quality_scores

    x = images.reshape(len(images), -1).astype(np.float32) / 255
    near = NearestNeighbors(n_neighbors=11).fit(x).kneighbors(x)[1][:, 1:]
    ties = 1e-6 * np.random.default_rng(seed).random(len(x))
    folds = StratifiedKFold(5, shuffle=True, random_state=seed)
    regression = cross_val_predict(LogisticRegression(C=0.01, max_iter=300), x, given, cv=folds, method="predict_proba")
    reduced = PCA(COMPONENTS, random_state=0).fit_transform(x).astype(np.float32)
    densities = fit_densities(lambda: [(reduced, given)], np.arange(10))
    return {
        "10 nearest": (given[near] != given[:, None]).mean(axis=1) + ties,
        "cleanlab, regression": -get_label_quality_scores(given, regression, method="self_confidence"),
        "densities on PCA": label_surprise(densities.log_density(reduced), given),
    }


def _label_network(images: NDArray[np.uint8], given: NDArray[np.int64], seed: int) -> NDArray[np.floating]:
    from cleanlab.rank import get_label_quality_scores

    network = np.empty((len(images), 10))
    for fit, rest in StratifiedKFold(5, shuffle=True, random_state=seed).split(images, given):
        with tempfile.TemporaryDirectory() as temporary:
            epochs = max(4, 30_000 // len(fit))
            model = fashion.classifier(
                Path(temporary, "c.safetensors"), epochs=epochs, seed=seed, flip=False, data=(images[fit], given[fit])
            )
        with torch.inference_mode():
            network[rest] = model(fashion.as_input(images[rest])).softmax(dim=1).numpy()
    return -np.asarray(get_label_quality_scores(given, network, method="self_confidence"))


def tasks(arguments: argparse.Namespace) -> list[dict[str, Any]]:
    """Return what is to be done, in order."""
    found: list[dict[str, Any]] = []
    for data in arguments.data:
        if "labels" in arguments.parts:
            for seed in arguments.seeds:
                for variant, scope in LABELLERS[: 4 if arguments.network else 3]:
                    found.append(
                        {"part": "labels", "data": data, "variant": variant, "scope": scope, "seed": seed,
                         "per_class": arguments.per_class, "steps": arguments.steps}
                    )  # fmt: skip
        if "one-class" in arguments.parts:
            for variant in ("baseline", *arguments.variants):
                for label in range(10):
                    found.append(
                        {"part": "one-class", "data": data, "variant": variant, "label": label, "seed": 0,
                         "train": arguments.train, "test": arguments.test, "steps": arguments.steps}
                    )  # fmt: skip
    return found


def summary(rows: list[dict[str, Any]]) -> None:
    """Print the mean of every figure over classes or seeds, and its spread."""
    groups: dict[tuple[str, ...], list[dict[str, float]]] = {}
    for row in rows:
        key = tuple(str(row["task"].get(name, "")) for name in ("part", "data", "variant", "scope", "per_class"))
        groups.setdefault(key, []).append(row["figures"])
    for key, figures in sorted(groups.items()):
        for name in figures[0]:
            values = [row[name] for row in figures]
            spread = statistics.stdev(values) if len(values) > 1 else 0.0
            print(
                f"{' '.join(filter(None, key))}: {name} {statistics.mean(values):.1f} +- {spread:.1f} of {len(values)}"
            )


def main() -> None:
    """Do what is not in the results yet, then print the means."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--results", type=Path, required=True, help="file of JSON lines, added to")
    parser.add_argument("--parts", nargs="+", default=["labels", "one-class"], choices=["labels", "one-class"])
    parser.add_argument("--data", nargs="+", default=["mnist", "fashion"], choices=["mnist", "fashion"])
    parser.add_argument("--variants", nargs="+", default=["vae", "ae", "hvae"])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--per-class", type=int, default=200, help="images of each class whose labels are searched")
    parser.add_argument("--train", type=int, default=1000, help="most training images of the normal class")
    parser.add_argument("--test", type=int, default=2000, help="most test images")
    parser.add_argument(
        "--network", action="store_true", help="cleanlab with a network too, which takes minutes a seed"
    )
    parser.add_argument("--steps", type=int, default=1000)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    lines = arguments.results.read_text().splitlines() if arguments.results.exists() else []
    rows = [json.loads(line) for line in lines]
    done = [row["task"] for row in rows]
    for task in tasks(arguments):
        if task in done:
            continue
        began = time.perf_counter()
        row = {"task": task, "figures": (labels if task["part"] == "labels" else one_class)(task)}
        rows.append(row)
        with arguments.results.open("a") as file:
            file.write(json.dumps(row) + "\n")
        values = "  ".join(f"{name} {value:.1f}" for name, value in row["figures"].items())
        print(f"{time.perf_counter() - began:.0f} s  {task}  {values}", flush=True)
    summary(rows)


if __name__ == "__main__":
    main()
