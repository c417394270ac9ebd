"""Images a second of our training loop, validation and all, against a bare hand-written loop on the same module.

    python tests/benchmarks/training_speed.py

Both sides run in turn in one process on one thread (seconds are processor seconds, so that a busy machine does not
blur the comparison), on random images of the size of Fashion-MNIST (the speed does not
depend on what they show). The bare loop has what anybody would write: batches sliced from a uint8 array, the negative
ELBO, a fused AdamW. Ours adds the moving average of the weights, gradient clipping, the schedules, NaN checks,
validation with best weights kept, snapshots, and a checkpoint on disk.
"""

from __future__ import annotations

import argparse
import copy
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from vaeaug import ImageSpec, plugins
from vaeaug.models.network import Network, build_network
from vaeaug.training.batches import Batches
from vaeaug.training.config import TrainingConfig
from vaeaug.training.loop import fit

BATCH = 128


def bare(network: Network, pixels: np.ndarray, labels: np.ndarray, steps: int) -> float:
    """Train with the least code that does it; return images a second."""
    optimizer = torch.optim.AdamW(network.variant.parameters(), lr=2e-3, fused=True)
    generator = torch.Generator().manual_seed(0)
    network.variant.train()
    rng = np.random.default_rng(0)
    began = time.process_time()
    for _ in range(steps):
        chosen = rng.integers(0, len(pixels), BATCH)
        x = torch.from_numpy(pixels[chosen]).permute(0, 3, 1, 2).float() / 255
        y = torch.from_numpy(labels[chosen])
        terms = network.variant.losses(x, y, network.loss, generator)["model"]
        total = torch.stack([term.mean() for term in terms.values()]).sum()
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
    return steps * BATCH / (time.process_time() - began)


def ours(network: Network, pixels: np.ndarray, labels: np.ndarray, steps: int) -> float:
    """Train with `fit`; return images a second, everything counted."""
    indices = np.arange(len(pixels))
    training, validation = indices[len(indices) // 10 :], indices[: len(indices) // 10]
    batches = Batches(pixels, labels, training, BATCH, 0, torch.device("cpu"))
    with tempfile.TemporaryDirectory() as directory:
        began = time.process_time()
        fit(
            network.variant,
            network.loss,
            batches,
            TrainingConfig(patience=0),
            steps=steps,
            validation=validation,
            seed=0,
            checkpoint=Path(directory) / "checkpoint.safetensors",
        )
        return steps * BATCH / (time.process_time() - began)


def main() -> None:
    """Print both sides and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--variant", default="cvae")
    parser.add_argument("--size", type=int, nargs=3, default=(28, 28, 1), metavar=("H", "W", "C"))
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    height, width, channels = arguments.size
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (5000, height, width, channels), dtype=np.uint8)
    labels = rng.integers(0, 10, 5000)
    registry = plugins.load()
    spec = ImageSpec(channels, height, width, 10)
    start = build_network(registry.variant(arguments.variant).cls, {}, registry.loss("bce").cls, {}, spec, seed=0)
    print(f"{arguments.variant}, {sum(p.numel() for p in start.variant.parameters()):,} parameters, one thread")
    ratios = []
    for number in range(arguments.rounds):
        a = bare(copy.deepcopy(start), pixels, labels, arguments.steps)
        b = ours(copy.deepcopy(start), pixels, labels, arguments.steps)
        ratios.append(b / a)
        print(f"round {number}: bare {a:8,.0f} images/s   vaeaug {b:8,.0f} images/s   ratio {b / a:.3f}", flush=True)
    print(f"ratio: median {statistics.median(ratios):.3f}, least {min(ratios):.3f}, greatest {max(ratios):.3f}")


if __name__ == "__main__":
    main()
