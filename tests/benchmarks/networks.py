"""Learning curves of networks on one thread: which one learns most in a given time.

    python tests/benchmarks/networks.py gray  FASHION_MNIST_DIRECTORY     the four idx.gz files
    python tests/benchmarks/networks.py colour CIFAR_DIRECTORY --size 64  train/<class>/*, test/<class>/*

Every candidate trains on the same images with the same seed, optimizer and schedule, and is timed by the processor time
of its training steps, so that a busy machine does not decide. A row gives parameters, images a second, and the negative
ELBO of held-out images in nats at each mark of the time and of the steps.
"""

from __future__ import annotations

import argparse
import gzip
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from vaeaug_plugins.losses.bce import BCE
from vaeaug_plugins.losses.gaussian import Gaussian
from vaeaug_plugins.variants.vae import VAE

from vaeaug import GaussianVariant, ImageSpec
from vaeaug.nn import Decoder, Encoder

Data = tuple[Tensor, Tensor, Tensor, Tensor]
Networks = Callable[[ImageSpec, int], tuple[nn.Module, nn.Module]]


class PlainMLP(nn.Module):
    """Pixels to features, or back, through two plain layers."""

    def __init__(self, inputs: int, shape: tuple[int, ...], hidden: int) -> None:
        super().__init__()
        self.shape, outputs = shape, math.prod(shape)
        self.net = nn.Sequential(
            nn.Linear(inputs, hidden), nn.SiLU(), nn.Linear(hidden, hidden), nn.SiLU(), nn.Linear(hidden, outputs)
        )

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return self.net(2 * x.flatten(1) - 1 if x.ndim > 2 else x).view(-1, *self.shape)


class Block(nn.Module):
    """A residual block of a 3x3 and a 1x1 convolution at the grid's resolution."""

    def __init__(self, width: int) -> None:
        super().__init__()
        last = nn.Conv2d(width, width, 1)
        nn.init.zeros_(last.weight)
        self.net = nn.Sequential(nn.GroupNorm(1, width), nn.Conv2d(width, width, 3, padding=1), nn.SiLU(), last)

    def forward(self, h: Tensor) -> Tensor:
        return h + self.net(h)


class PatchConvEncoder(nn.Module):
    """Patches on an 8x8 grid, two residual blocks, one linear layer."""

    def __init__(self, spec: ImageSpec, features: int, width: int = 64) -> None:
        super().__init__()
        size = math.ceil(max(spec.height, spec.width) / 8)
        grid = math.ceil(spec.height / size) * math.ceil(spec.width / size)
        self.net = nn.Sequential(
            nn.ReplicationPad2d((0, -spec.width % size, 0, -spec.height % size)), nn.PixelUnshuffle(size),
            nn.Conv2d(spec.channels * size**2, width, 1), Block(width), Block(width), nn.SiLU(), nn.Flatten(),
            nn.Linear(width * grid, features),
        )  # fmt: skip

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return self.net(2 * x - 1)


class PatchConvDecoder(nn.Module):
    """The mirror of `PatchConvEncoder`."""

    def __init__(self, spec: ImageSpec, features: int, width: int = 64) -> None:
        super().__init__()
        self.spec, size = spec, math.ceil(max(spec.height, spec.width) / 8)
        grid = (width, math.ceil(spec.height / size), math.ceil(spec.width / size))
        self.net = nn.Sequential(
            nn.Linear(features, math.prod(grid)), nn.Unflatten(1, grid), Block(width), Block(width), nn.SiLU(),
            nn.Conv2d(width, spec.channels * size**2, 1), nn.PixelShuffle(size),
        )  # fmt: skip

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        return self.net(z)[:, :, : self.spec.height, : self.spec.width]


def plain(hidden: int) -> Networks:
    def make(spec: ImageSpec, latent: int) -> tuple[nn.Module, nn.Module]:
        image = (spec.channels, spec.height, spec.width)
        return PlainMLP(spec.pixels, (2 * latent,), hidden), PlainMLP(latent, image, hidden)

    return make


def ours(hidden: int | None = None, depth: int = 2, random_patches: bool = False) -> Networks:
    def make(spec: ImageSpec, latent: int) -> tuple[nn.Module, nn.Module]:
        size = {"height": spec.height, "width": spec.width, "hidden": hidden, "depth": depth}
        pair = (
            Encoder(channels=spec.channels, features=2 * latent, **size),
            Decoder(channels=spec.channels, features=latent, **size),
        )
        if random_patches:
            for network in pair:
                for layer in network.patches.modules():
                    if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
                        layer.reset_parameters()
        return pair

    return make


CANDIDATES: dict[str, Networks] = {
    "plain MLP 512": plain(512),
    "plain MLP 256": plain(256),
    "patch convolutions 64": lambda spec, latent: (
        PatchConvEncoder(spec, 2 * latent), PatchConvDecoder(spec, latent)
    ),
    "ours": ours(),
    "ours, random patches": ours(random_patches=True),
    "ours, depth 1": ours(depth=1),
    "ours, depth 4": ours(depth=4),
    "ours, width 128": ours(hidden=128),
    "ours, width 512": ours(hidden=512),
}  # fmt: skip


@dataclass(frozen=True)
class Plan:
    seconds: float
    marks: tuple[float, ...]
    steps: tuple[int, ...]
    rate: float
    batch: int
    latent_dim: int
    weight_decay: float
    loss: str
    warm_up: int = 50


def train(make: Networks, data: Data, plan: Plan, seed: int) -> tuple[int, float, list[str]]:
    """Return parameters, images a second, and the curve as text."""
    torch.manual_seed(seed)
    x, y, x_test, y_test = data
    spec = ImageSpec(*x.shape[1:], raw_channels=x.shape[1])
    model = VAE(spec, GaussianVariant.Config(latent_dim=plan.latent_dim))
    model.encoder, model.decoder = make(spec, plan.latent_dim)
    loss = BCE(spec, BCE.Config()) if plan.loss == "bce" else Gaussian(spec, Gaussian.Config())
    optimizer = torch.optim.AdamW(model.parameters(), lr=plan.rate, weight_decay=plan.weight_decay, fused=True)
    generator = torch.Generator().manual_seed(seed)
    marks, steps, curve = [*plan.marks, plan.seconds], list(plan.steps), []
    spent, step, order = 0.0, 0, torch.empty(0, dtype=torch.long)
    while marks:
        start = time.process_time()
        if len(order) < plan.batch:
            order = torch.randperm(len(x), generator=generator)
        rows, order = order[: plan.batch], order[plan.batch :]
        decay = 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(1, spent / plan.seconds)))
        optimizer.param_groups[0]["lr"] = plan.rate * min(1, (step + 1) / plan.warm_up) * decay
        objective = sum(model.train().losses(x[rows], y[rows], loss.train(), generator)["model"].values()).mean()
        optimizer.zero_grad()
        objective.backward()
        optimizer.step()
        step += 1
        spent += time.process_time() - start
        if steps and step >= steps[0]:
            curve.append(f"step {steps.pop(0)}: {negative_elbo(model, loss, x_test, y_test):.1f}")
        if spent >= marks[0]:
            curve.append(f"{marks.pop(0):g} s: {negative_elbo(model, loss, x_test, y_test):.1f}")
    return sum(p.numel() for p in model.parameters()), step * plan.batch / spent, curve


@torch.no_grad()
def negative_elbo(model: VAE, loss: nn.Module, x: Tensor, y: Tensor) -> float:
    """Return the mean negative ELBO of held-out images in nats."""
    model.eval(), loss.eval()
    generator, total = torch.Generator().manual_seed(9), 0.0
    for rows in torch.arange(len(x)).split(500):
        terms = model.losses(x[rows], y[rows], loss, generator)["model"]
        total += sum(value.sum().item() for value in terms.values())
    return total / len(x)


def gray(directory: Path, count: int) -> Data:
    """Read Fashion-MNIST: `count` training images and 2,000 of the test set."""

    def read(name: str, offset: int) -> np.ndarray:
        return np.frombuffer(gzip.decompress((directory / name).read_bytes()), np.uint8, offset=offset)

    def part(split: str, number: int) -> tuple[Tensor, Tensor]:
        pixels = read(f"{split}-images-idx3-ubyte.gz", 16).reshape(-1, 1, 28, 28)[:number]
        return torch.tensor(pixels / np.float32(255)), torch.tensor(
            read(f"{split}-labels-idx1-ubyte.gz", 8)[:number].astype(np.int64)
        )

    return *part("train", count), *part("t10k", 2000)


def colour(directory: Path, count: int, size: int) -> Data:
    """Read class folders of images, resized: `count` training images and 1,000 of the test set."""

    def part(split: str, number: int) -> tuple[Tensor, Tensor]:
        classes = sorted((directory / split).iterdir())
        each = number // len(classes)
        files = [(path, k) for k, folder in enumerate(classes) for path in sorted(folder.iterdir())[:each]]
        images = [np.asarray(Image.open(path).convert("RGB").resize((size, size))) for path, _ in files]
        pixels = torch.tensor(np.stack(images)).permute(0, 3, 1, 2).contiguous()
        return pixels / 255, torch.tensor([k for _, k in files])

    return *part("train", count), *part("test", 1000)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("images", choices=["gray", "colour"])
    parser.add_argument("directory", type=Path)
    parser.add_argument("--size", type=int, default=32, help="side of colour images")
    parser.add_argument("--count", type=int, default=5000, help="training images")
    parser.add_argument("--seconds", type=float, default=15, help="training time of each candidate")
    parser.add_argument("--marks", type=float, nargs="*", default=[5], help="times to measure at besides the end")
    parser.add_argument("--steps", type=int, nargs="*", default=[200], help="steps to measure at")
    parser.add_argument("--seeds", type=int, nargs="*", default=[0, 1])
    parser.add_argument("--rate", type=float, default=3e-3, help="learning rate")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--weight-decay", type=float, default=1e-4)
    parser.add_argument("--latent-dim", type=int, help="16 for gray, 32 for colour by default")
    parser.add_argument("--only", nargs="*", default=list(CANDIDATES), help="names of candidates")
    given = parser.parse_args()
    torch.set_num_threads(1)
    is_gray = given.images == "gray"
    data = gray(given.directory, given.count) if is_gray else colour(given.directory, given.count, given.size)
    plan = Plan(
        given.seconds, tuple(given.marks), tuple(given.steps), given.rate, given.batch,
        given.latent_dim or (16 if is_gray else 32), given.weight_decay, "bce" if is_gray else "gaussian",
    )  # fmt: skip
    for name in given.only:
        for seed in given.seeds:
            parameters, rate, curve = train(CANDIDATES[name], data, plan, seed)
            print(f"{name:24} seed {seed}  {parameters / 1e6:5.2f} M  {rate:6.0f}/s  {'  '.join(curve)}", flush=True)


if __name__ == "__main__":
    main()
