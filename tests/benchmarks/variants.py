"""What each variant reconstructs and draws, how large it is and how fast, in one run.

    python tests/benchmarks/variants.py --results /tmp/variants --workers 2 [--sheet docs/images/variants.png]

Every variant is trained with its defaults, but for one shared network, for the same steps on the same images: 600 a
class of Fashion-MNIST, or 4,000 digits of MNIST. Printed are means and standard deviations over seeds of

- PSNR of reconstructed test images, and the share of codes that the training images use (discrete latents);
- for samples from `prior`, and from `mixture`, the density fitted afterwards, where latents are continuous: recognized,
  the share that a classifier of real images takes for their class (not for a prior without classes), and the Frechet
  distance, precision, recall, density and coverage on that classifier's features, against real test images. It is
  trained on all 60,000 real Fashion-MNIST images, or on the 4,200 digits that are not test images;
- parameters, training images/s (everything counted) and sampling images/s (prior) of one thread.

A file a training goes into the results folder; what is there is not made again, so the run can be stopped.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import digits
import fashion_mnist as fashion
import numpy as np
import torch
from metrics import features, frechet, prdc, psnr
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

import vaeaug
from vaeaug.contracts import leaves
from vaeaug.training.batches import as_images, as_pixels

MODELS: dict[str, dict[str, Any]] = {  # name here -> settings of vaeaug.train
    "ae": {"variant": "ae"},
    "vae": {"variant": "vae"},
    "beta-vae": {"variant": "beta-vae"},
    "cvae": {"variant": "cvae"},
    "iwae": {"variant": "iwae"},
    "vamp-vae": {"variant": "vamp-vae"},
    "hvae": {"variant": "hvae"},
    "vae-gan": {"variant": "vae-gan"},
    "vq-vae fsq": {"variant": "vq-vae"},
    "vq-vae ema": {"variant": "vq-vae", "variant_options": {"quantizer": "ema"}},
}
TRAINED_ON = {"fashion": 600, "mnist": 400}  # images a class at most
DRAWN, COMPARED = 200, 2000  # samples a class; real test images at most
SHOWN = 2  # images a class on the sheet


def train(task: dict[str, Any], folder: Path) -> tuple[vaeaug.Model, float]:
    """Return a model trained on class folders, and the processor time of the whole command in seconds."""
    data = digits.load(task["data"])
    for label in range(10):
        (folder / "data" / str(label)).mkdir(parents=True)
        chosen = data.train[data.labels[data.train] == label][: TRAINED_ON[task["data"]]]
        for number, pixels in enumerate(data.images[chosen]):
            Image.fromarray(pixels[:, :, 0]).save(folder / "data" / str(label) / f"{number:05d}.png")
    began = time.process_time()
    settings = {
        "scope": "shared",
        "loss": "bce" if task["data"] == "mnist" else "gaussian",
        "steps": task["steps"],
        "patience": 0,
    }
    model = vaeaug.train(
        folder / "data", folder / "model", seed=task["seed"], workers=1, **{**settings, **MODELS[task["model"]]}
    )
    return model, time.process_time() - began


@torch.inference_mode()
def prior_samples(model: vaeaug.Model, count: int, seed: int) -> tuple[NDArray[np.uint8], float]:
    """Return draws from the prior, `count` a class in turn, and images a second of processor time.

    Straight from the networks: the host refuses the prior of a variant without classes for a model of several.
    """
    network = model.stored.network(0)
    generator = torch.Generator().manual_seed(seed)
    began, parts = time.process_time(), []
    for label in range(10):
        y_B = torch.full((count,), label)
        raw_BRHW = network.variant.decode(network.variant.prior(y_B, generator), y_B)
        parts.append(as_pixels(network.loss.image(raw_BRHW)))
    return np.concatenate(parts), 10 * count / (time.process_time() - began)


@torch.inference_mode()
def reconstructed(model: vaeaug.Model, images: NDArray[np.uint8], labels: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Return what the posterior modes of images decode to."""
    network, parts = model.stored.network(0), []
    for start in range(0, len(images), 500):
        x_BCHW = as_images(images[start : start + 500], torch.device("cpu"))
        y_B = torch.from_numpy(labels[start : start + 500])
        raw_BRHW = network.variant.decode(network.variant.encode(x_BCHW, y_B).latent, y_B)
        parts.append(as_pixels(network.loss.image(raw_BRHW)))
    return np.concatenate(parts)


def share_of_codes(model: vaeaug.Model) -> float | None:
    """Return the share of all codes that some training image uses, in percent, where latents are codes."""
    codes = [leaf for label in range(10) for leaf in leaves(model.stored.latents(label).latents.latent)]
    if codes[0].is_floating_point():
        return None
    total = model.stored.network(0).variant.quantizer.size
    return 100 * len(torch.cat([code.flatten() for code in codes]).unique()) / total


def run(task: dict[str, Any], classifier: Path, results: Path) -> None:
    """Train one model, and write its figures and some of its images."""
    torch.set_num_threads(1)
    data = digits.load(task["data"])
    judge = judge_of(task["data"], classifier)
    test = data.test[:COMPARED]
    real = features(judge, data.images[test])
    with tempfile.TemporaryDirectory() as folder:
        model, seconds = train(task, Path(folder))
        variant = model.stored.network(0).variant
        row = {
            **task,
            "parameters": sum(parameter.numel() for parameter in variant.parameters()),
            "rate": task["steps"] * 128 / seconds,
            "psnr": psnr(data.images[test], reconstructed(model, data.images[test], data.labels[test])),
            "codes": share_of_codes(model),
        }
        drawn, row["sampled"] = prior_samples(model, DRAWN, task["seed"])
        samples = {"prior": drawn}
        if row["codes"] is None:
            fitted = [model.sample(str(label), DRAWN, seed=task["seed"], sampler="mixture") for label in range(10)]
            samples["mixture"] = np.concatenate(fitted)
        for sampler, images in samples.items():
            mine = features(judge, images)
            right = fashion.predict(judge, images) == np.repeat(np.arange(10), DRAWN)
            row[sampler] = {"distance": frechet(mine, real), **prdc(real, mine)}
            if sampler == "mixture" or variant.conditional:
                row[sampler]["recognized"] = 100 * float(right.mean())
        chosen = np.concatenate([test[data.labels[test] == label][:SHOWN] for label in range(10)])
        best = list(samples)[-1]
        shown = {
            "real": data.images[chosen],
            "reconstructed": reconstructed(model, data.images[chosen], data.labels[chosen]),
            "samples": np.concatenate([samples[best][DRAWN * i :][: 2 * SHOWN] for i in range(10)]),
        }
    name = file_name(task)
    np.savez_compressed(results / f"{name}.npz", **shown)
    (results / f"{name}.json").write_text(json.dumps(row))


def judge_of(data: str, cache: Path) -> torch.nn.Sequential:
    """Return the classifier that judges samples of a data set."""
    if data == "fashion":
        return fashion.classifier(cache / "fashion-classifier.safetensors")
    known = digits.load("mnist")
    seen = np.concatenate([known.train, known.validation])
    return fashion.classifier(
        cache / "mnist-classifier.safetensors", epochs=40, flip=False, data=(known.images[seen], known.labels[seen])
    )


def file_name(task: dict[str, Any]) -> str:
    """Return what a training's results are called."""
    return f"{task['data']}-{task['model'].replace(' ', '-')}-{task['steps']}-{task['seed']}"


def table(rows: list[dict[str, Any]]) -> None:
    """Print the figures: means and standard deviations over seeds."""
    for data in dict.fromkeys(row["data"] for row in rows):
        print(f"\n| {data} | parameters | trained/s | sampled/s | PSNR | codes used |")
        print("|---|---|---|---|---|---|")
        for model in MODELS:
            mine = [row for row in rows if (row["data"], row["model"]) == (data, model)]
            if mine:
                speeds = [f"{statistics.median(row[name] for row in mine):,.0f}" for name in ("rate", "sampled")]
                codes = "" if mine[0]["codes"] is None else _mean([row["codes"] for row in mine], 1) + " %"
                cells = [
                    f"{mine[0]['parameters'] / 1e6:.2f} M",
                    *speeds,
                    _mean([row["psnr"] for row in mine], 2),
                    codes,
                ]
                print(f"| `{model}` | {' | '.join(cells)} |")
        names = {"recognized": 1, "distance": 3, "precision": 2, "recall": 2, "density": 2, "coverage": 2}
        print(f"\n| {data} | sampler | {' | '.join(names)} |")
        print("|---|---|" + "---|" * len(names))
        for model in MODELS:
            for sampler in ("prior", "mixture"):
                mine = [row[sampler] for row in rows if (row["data"], row["model"]) == (data, model) and sampler in row]
                if mine:
                    cells = [
                        _mean([row[name] for row in mine if name in row], digits) for name, digits in names.items()
                    ]
                    print(f"| `{model}` | `{sampler}` | {' | '.join(cells)} |")


def _mean(values: list[float], digits: int) -> str:
    if not values:
        return ""
    spread = statistics.stdev(values) if len(values) > 1 else 0.0
    return f"{statistics.mean(values):.{digits}f} +- {spread:.{digits}f}"


def sheet(results: Path, tasks: list[dict[str, Any]], path: Path) -> None:
    """Draw real images, and under them what each variant makes of them and draws: two a class, then four a class."""
    font, rows = ImageFont.load_default(13), []
    for task in tasks:
        with np.load(results / f"{file_name(task)}.npz") as images:
            if not rows:
                rows.append(("real", images["real"]))
            samples = images["samples"].reshape(10, 2, SHOWN, 28, 28).swapaxes(0, 1).reshape(2, -1, 28, 28)
            rows += [(task["model"], images["reconstructed"]), ("", samples[0]), ("", samples[1])]
    left, cell, gap = 96, 30, 8
    canvas = Image.new("L", (left + 10 * SHOWN * cell, len(rows) * cell + gap * (len(tasks) + 1)), 255)
    draw, y = ImageDraw.Draw(canvas), 0
    for name, images in rows:
        y += gap if name else 0
        draw.text((4, y + 7), name, 0, font)
        for column, image in enumerate(images.reshape(-1, 28, 28)):
            canvas.paste(Image.fromarray(image), (left + column * cell, y))
        y += cell
    canvas.quantize(64).save(path, optimize=True)


def main() -> None:
    """Train what is not in the results yet, then print the tables and draw the sheet."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--results", type=Path, required=True, help="folder for figures and images")
    parser.add_argument("--data", nargs="+", default=["fashion", "mnist"], choices=["fashion", "mnist"])
    parser.add_argument("--models", nargs="+", default=list(MODELS), choices=list(MODELS))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--sheet", type=Path, help="write a PNG of each variant's images of the first seed and data")
    arguments = parser.parse_args()
    arguments.results.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    for data in arguments.data:
        judge_of(data, arguments.results)
    tasks = [
        {"data": data, "model": model, "seed": seed, "steps": arguments.steps}
        for seed in arguments.seeds
        for data in arguments.data
        for model in arguments.models
    ]
    missing = [task for task in tasks if not (arguments.results / f"{file_name(task)}.json").exists()]
    with ProcessPoolExecutor(arguments.workers, mp_context=get_context("spawn")) as pool:
        work = {pool.submit(run, task, arguments.results, arguments.results): task for task in missing}
        for number, done in enumerate(as_completed(work), start=1):
            done.result()
            print(
                f"{number}/{len(missing)}",
                (arguments.results / f"{file_name(work[done])}.json").read_text(),
                flush=True,
            )
    table([json.loads((arguments.results / f"{file_name(task)}.json").read_text()) for task in tasks])
    if arguments.sheet is not None:
        first = [task for task in tasks if (task["data"], task["seed"]) == (arguments.data[0], arguments.seeds[0])]
        sheet(arguments.results, first, arguments.sheet)


if __name__ == "__main__":
    main()
