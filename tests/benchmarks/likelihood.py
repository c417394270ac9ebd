"""Which variant explains images best? Bounds on -log p(x) of binary MNIST and Fashion-MNIST, in nats.

    python tests/benchmarks/likelihood.py --results /tmp/likelihood.jsonl --workers 2

Pixels are binarized anew at every step (Salakhutdinov & Murray 2008) with probability equal to their gray value, and
once for validation and test images. All networks have about the same number of parameters, 32 latent dimensions, the
same steps and batches, the loss `bce`, and the weights that are best on the validation images. Printed for each variant

- ELBO: the negative ELBO on all test images, one draw;
- IWAE-500: the importance-weighted bound with 500 draws, on the first 800;

and both less those of `vae` with the same seed: mean and standard deviation over seeds. Every variant whose name here
ends in `|y` is told the class and bounds -log p(x|y); the others -log p(x).

A line of JSON a training goes into the results file; what is there is not made again, so the run can be stopped.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import digits
import numpy as np
import torch
from numpy.typing import NDArray

from vaeaug import ImageSpec, plugins
from vaeaug.models.likelihood import iwae_bound
from vaeaug.models.network import Network, build_network
from vaeaug.training.batches import Batches, in_chunks
from vaeaug.training.config import TrainingConfig
from vaeaug.training.loop import fit

LATENT = 32
WIDE = {"width": 320}  # as many parameters as the ladder has by default
MODELS: dict[str, dict[str, Any]] = {  # name here -> variant and its options
    "vae": {"variant": "vae", **WIDE},
    "beta-vae": {"variant": "beta-vae", **WIDE},
    "iwae": {"variant": "iwae", **WIDE},
    "hvae": {"variant": "hvae"},
    "vamp-vae": {"variant": "vamp-vae", "pseudo_inputs": 100, **WIDE},
    "cvae|y": {"variant": "cvae", **WIDE},
}
STEPS = {"mnist": 2000, "fashion": 4000}
WEIGHED = 800


def binarized(pixels_NHWC: NDArray[np.uint8], seeds: Sequence[int]) -> NDArray[np.uint8]:
    """Return black and white images, drawn with the gray values as probabilities."""
    draws = np.random.default_rng(list(seeds)).integers(0, 255, pixels_NHWC.shape, dtype=np.uint8)
    return np.where(draws < pixels_NHWC, np.uint8(255), np.uint8(0))


def run(task: dict[str, Any]) -> dict[str, Any]:
    """Train one model and return its figures."""
    torch.set_num_threads(1)
    data, seed = digits.load(task["data"]), task["seed"]
    images = data.images.copy()
    still = np.concatenate([data.validation, data.test])
    images[still] = binarized(images[still], [0])
    told = task["model"].endswith("|y")
    labels = data.labels if told else np.zeros_like(data.labels)
    options = {"latent_dim": LATENT, **MODELS[task["model"]], **task["options"]}
    registry = plugins.load()
    network = build_network(
        registry.variant(options.pop("variant")).cls,
        options,
        registry.loss("bce").cls,
        {},
        ImageSpec(1, 28, 28, num_classes=10 if told else 1),
        seed,
    )
    config = TrainingConfig(steps=task["steps"], patience=0)
    batches = Batches(images, labels, data.train, config.batch_size, seed, torch.device("cpu"), binarized)
    began = time.process_time()
    fitted = fit(
        network.variant, network.loss, batches, config, steps=task["steps"], validation=data.validation, seed=seed
    )
    seconds = time.process_time() - began
    return {
        **task,
        "parameters": sum(parameter.numel() for parameter in network.variant.parameters()),
        "rate": task["steps"] * config.batch_size / seconds,
        "best_step": fitted.best_step,
        "elbo": bound(network, images, labels, data.test, draws=1),
        "iwae": bound(network, images, labels, data.test[:WEIGHED], draws=500),
    }


def bound(network: Network, images: NDArray[np.uint8], labels: Any, indices: NDArray[np.int64], draws: int) -> float:
    """Return the mean bound of some images, in nats."""
    generator = torch.Generator().manual_seed(0)
    size = 200 if draws == 1 else 8
    parts = [
        iwae_bound(network, x_BCHW, y_B, generator, draws)
        for x_BCHW, y_B in in_chunks(images, labels, indices, torch.device("cpu"), size)
    ]
    return float(torch.cat(parts).double().mean())


def table(rows: list[dict[str, Any]]) -> None:
    """Print a line a model: means and standard deviations over seeds."""
    found = {(row["data"], row["model"], row["seed"]): row for row in rows}
    for data in dict.fromkeys(row["data"] for row in rows):
        print(f"\n| {data} | parameters | images/s | ELBO | IWAE-500 | ELBO less vae's | IWAE-500 less vae's |")
        print("|---|---|---|---|---|---|---|")
        for model in MODELS:
            mine = [row for (of, name, _), row in found.items() if (of, name) == (data, model)]
            if not mine:
                continue
            cells = [_mean([row[name] for row in mine]) for name in ("elbo", "iwae")]
            for name in ("elbo", "iwae"):
                pairs = [(row, found.get((data, "vae", row["seed"]))) for row in mine]
                cells.append(_mean([row[name] - vae[name] for row, vae in pairs if vae is not None], sign="+"))
            rate = statistics.median(row["rate"] for row in mine)
            print(f"| `{model}` | {mine[0]['parameters'] / 1e6:.2f} M | {rate:,.0f} | {' | '.join(cells)} |")


def _mean(values: list[float], sign: str = "") -> str:
    if not values:
        return ""
    spread = statistics.stdev(values) if len(values) > 1 else 0.0
    return f"{statistics.mean(values):{sign}.2f} +- {spread:.2f}"


def main() -> None:
    """Train what is not in the results yet, then print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--results", type=Path, required=True, help="file of JSON lines, added to")
    parser.add_argument("--data", nargs="+", default=["mnist", "fashion"], choices=["mnist", "fashion"])
    parser.add_argument("--models", nargs="+", default=list(MODELS), choices=list(MODELS))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--steps", type=int, help="in place of 2,000 and 4,000")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="an option of the variants")
    parser.add_argument("--workers", type=int, default=1)
    arguments = parser.parse_args()
    options = dict(item.split("=", 1) for item in arguments.set)
    tasks = [
        {
            "data": data,
            "model": model,
            "seed": seed,
            "steps": arguments.steps or STEPS[data],
            "options": options,
        }
        for seed in arguments.seeds
        for data in arguments.data
        for model in arguments.models
    ]
    lines = arguments.results.read_text().splitlines() if arguments.results.exists() else []
    rows = [json.loads(line) for line in lines]
    missing = [task for task in tasks if not any(task.items() <= row.items() for row in rows)]
    with ProcessPoolExecutor(arguments.workers, mp_context=get_context("spawn")) as pool:
        for number, done in enumerate(as_completed([pool.submit(run, task) for task in missing]), start=1):
            row = done.result()
            with arguments.results.open("a") as file:
                file.write(json.dumps(row) + "\n")
            rows.append(row)
            print(f"{number}/{len(missing)}", json.dumps(row), flush=True)
    table([row for row in rows if any(task.items() <= row.items() for task in tasks)])


if __name__ == "__main__":
    main()
