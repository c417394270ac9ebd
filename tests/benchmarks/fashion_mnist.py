"""Fashion-MNIST for the benchmarks: the full real data from its idx files, and a classifier trained on it."""

from __future__ import annotations

import gzip
import time
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import nn
from torch.nn.functional import cross_entropy

DEFAULT = Path("/usr/share/datasets/fashion-mnist")  # where Debian's package dataset-fashion-mnist puts it
CLASSES = (
    "t-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle-boot",
)  # fmt: skip


def load(split: str, directory: Path = DEFAULT) -> tuple[np.ndarray, np.ndarray]:
    """Return uint8 images (N, 28, 28, 1) and labels (N,) of `train` or `t10k`."""
    with gzip.open(directory / f"{split}-images-idx3-ubyte.gz") as file:
        images = np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 28, 28, 1)
    with gzip.open(directory / f"{split}-labels-idx1-ubyte.gz") as file:
        labels = np.frombuffer(file.read(), np.uint8, offset=8).astype(np.int64)
    return images.copy(), labels


def as_input(images_NHWC: np.ndarray) -> torch.Tensor:
    """Return floats (N, 1, 28, 28) in [-1, 1]."""
    return torch.from_numpy(np.ascontiguousarray(images_NHWC)).permute(0, 3, 1, 2).float() / 127.5 - 1


def network() -> nn.Sequential:
    """Return the classifier: three convolutions, 130 thousand parameters."""
    layers: list[nn.Module] = []
    for inputs, outputs in ((1, 32), (32, 64), (64, 96)):
        layers += [nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]
        layers += [nn.MaxPool2d(2)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Dropout(0.3), nn.Linear(96 * 9, 10))


def classifier(
    cache: Path,
    directory: Path = DEFAULT,
    epochs: int = 8,
    seed: int = 0,
    *,
    flip: bool = True,
    data: tuple[np.ndarray, np.ndarray] | None = None,
) -> nn.Sequential:
    """Return a classifier trained on all 60,000 real images (or on `data`), from `cache` if it is there."""
    torch.manual_seed(seed)
    model = network()
    if cache.exists():
        model.load_state_dict(load_file(cache))
        return model.eval()
    images, labels = load("train", directory) if data is None else data
    x, y = as_input(images), torch.from_numpy(labels)
    steps = epochs * (len(x) // 128)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=4e-3, total_steps=steps)
    began, step = time.time(), 0
    for _ in range(epochs):
        for chosen in torch.randperm(len(x)).split(128)[: len(x) // 128]:
            batch = x[chosen]
            if flip:  # clothes look alike from both sides, digits do not
                turned = torch.rand(len(batch)) < 0.5
                batch[turned] = batch[turned].flip(3)
            loss = cross_entropy(model(batch), y[chosen], label_smoothing=0.05)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            step += 1
        print(f"classifier: {step}/{steps} steps, {time.time() - began:.0f} s", flush=True)
    model.eval()
    save_file(model.state_dict(), cache)
    return model


@torch.inference_mode()
def predict(model: nn.Module, images_NHWC: np.ndarray) -> np.ndarray:
    """Return the predicted labels."""
    parts = [model(as_input(images_NHWC[i : i + 1000])).argmax(1) for i in range(0, len(images_NHWC), 1000)]
    return torch.cat(parts).numpy()
