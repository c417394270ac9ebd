"""A linear autoencoder and batches of noise: the training loop's subject where the networks do not matter."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from vaeaug import Encoded, ImageSpec, ReconstructionLoss, Variant
from vaeaug.nn import kl_standard_normal, reparameterize, standard_normal
from vaeaug.training.batches import Batches
from vaeaug.training.config import TrainingConfig
from vaeaug.training.loop import FitResult, fit

SPEC = ImageSpec(channels=1, height=8, width=8, num_classes=2, raw_channels=1)
CPU = torch.device("cpu")


class Linear(Variant):
    """A linear encoder and decoder with a Gaussian latent of two dimensions."""

    name = "toy"

    @dataclass(frozen=True)
    class Config:
        """No options."""

    def __init__(self, spec: ImageSpec = SPEC, config: Any = None) -> None:
        super().__init__(spec, config)
        self.encoder = nn.Linear(spec.pixels, 4)
        self.decoder = nn.Linear(2, spec.pixels)

    def encode(self, x_BCHW: Tensor, y_B: Tensor, generator: torch.Generator | None = None) -> Encoded:
        mean_BD, logvar_BD = self.encoder(x_BCHW.flatten(1)).chunk(2, dim=1)
        z_BD = mean_BD if generator is None else reparameterize(mean_BD, logvar_BD, generator)
        return Encoded(z_BD, mean_BD, {"kl": kl_standard_normal(mean_BD, logvar_BD)}, (0.5 * logvar_BD).exp())

    def decode(self, latent: Any, y_B: Tensor) -> Tensor:
        return self.decoder(latent).unflatten(1, (1, self.spec.height, self.spec.width))

    def prior(self, y_B: Tensor, generator: torch.Generator) -> Any:
        return standard_normal((len(y_B), 2), generator)


class Squared(ReconstructionLoss):
    """The squared error, times what `factor` says in each call while training."""

    name = "squared"

    def __init__(self, factor: Callable[[int], float] = lambda _: 1.0) -> None:
        super().__init__(SPEC, None)
        self.factor, self.calls = factor, 0

    def forward(self, raw_BRHW: Tensor, x_BCHW: Tensor) -> Tensor:
        factor = 1.0
        if self.training:
            factor = self.factor(self.calls)
            self.calls += 1
        return factor * (raw_BRHW - x_BCHW).square().sum(dim=(1, 2, 3))

    def image(self, raw_BRHW: Tensor) -> Tensor:
        return raw_BRHW.clamp(0, 1)


def batches(count: int = 64, size: int = 8, seed: int = 0) -> Batches:
    """Batches of gray noise in two classes."""
    rng = np.random.default_rng(7)
    pixels_NHWC = rng.integers(0, 256, (count, 8, 8, 1), dtype=np.uint8)
    labels_N = (np.arange(count) % 2).astype(np.int64)
    return Batches(pixels_NHWC, labels_N, np.arange(count), size, seed, CPU)


def train(
    variant: Variant | None = None,
    loss: ReconstructionLoss | None = None,
    *,
    steps: int = 60,
    validate: int = 16,
    size: int = 8,
    **options: Any,
) -> tuple[Variant, FitResult]:
    """Train a (new) toy from fixed weights; `options` are those of `TrainingConfig` and of `fit`."""
    names = ("checkpoint", "validate_every", "checkpoint_seconds", "report")
    fit_options = {name: options.pop(name) for name in names if name in options}
    if variant is None:
        torch.manual_seed(0)
        variant = Linear()
    used = batches(size=size)
    used.indices = used.indices[validate:]
    result = fit(
        variant,
        loss or Squared(),
        used,
        TrainingConfig(**options),
        steps=steps,
        validation=np.arange(validate),
        seed=3,
        **fit_options,
    )
    return variant, result


def weights(module: nn.Module) -> dict[str, Tensor]:
    """Copies of all parameters and buffers."""
    return {name: tensor.detach().clone() for name, tensor in module.state_dict().items()}


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    """Whether weights are equal bit for bit."""
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)
