"""Posterior collapse: latent dimensions, or codes of a codebook, without information about the image."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

import torch
from torch import Tensor

from vaeaug.contracts import Latent, leaves

ACTIVE_VARIANCE = 0.01  # Burda et al. 2016, sec. 5: the variances are well separated around it


@dataclass(frozen=True, slots=True)
class ActiveUnits:
    """How many of the latent dimensions have a posterior mean that varies over the images."""

    active: int
    total: int

    @property
    def collapsed(self) -> bool:
        """Whether the decoder all but ignores the latent: fewer than one dimension in sixteen is active."""
        return self.active < max(1, self.total / 16)

    def advice(self, *, kl: bool) -> str | None:
        """Return a warning, or None if the latent is in use; `kl` is whether the objective has a KL divergence."""
        if not self.collapsed:
            return None
        if not kl:
            return (
                f"{self.active} of {self.total} latent dimensions are active, so samples hardly vary; "
                "train longer (--steps), with a lower --learning-rate, or with another --loss"
            )
        return (
            f"posterior collapse: {self.active} of {self.total} latent dimensions are active, so samples hardly vary; "
            "try a longer --kl-warmup, --kl-annealing cyclical or a smaller --latent-dim"
        )


def active_units(features_ND: Tensor) -> ActiveUnits:
    """Count the dimensions with Var_x(E[z|x]) > 0.01 (Burda et al. 2016, arXiv:1509.00519, sec. 5)."""
    variance_D = features_ND.var(dim=0, correction=0)
    return ActiveUnits(active=int((variance_D > ACTIVE_VARIANCE).sum()), total=features_ND.shape[1])


@dataclass(frozen=True, slots=True)
class CodeUse:
    """How many codes of a discrete latent are in use.

    Attributes:
        perplexity: exp of the entropy of the codes' frequencies (van den Oord et al. 2017), from 1 to `used`.
    """

    used: int
    total: int | None
    perplexity: float

    @classmethod
    def of(cls, metrics: Mapping[str, Any]) -> Self | None:
        """Return the code use recorded in the metrics of a training, or None if the latent is continuous."""
        codes = metrics.get("codes")
        return None if codes is None else cls(**codes)

    @property
    def collapsed(self) -> bool:
        """Whether the codebook is all but unused: a perplexity below 2, or below one sixteenth of all codes."""
        return self.perplexity < max(2.0, (self.total or 0) / 16)

    def __str__(self) -> str:
        total = "" if self.total is None else f" of {self.total:,}"
        return f"{self.used:,}{total} codes are in use (perplexity {self.perplexity:.1f})"

    def as_json(self) -> dict[str, Any]:
        """Return it as recorded in the metrics."""
        return asdict(self)

    def advice(self) -> str | None:
        """Return a warning, or None if enough codes are in use."""
        if not self.collapsed:
            return None
        return (
            f"codebook collapse: {self}, so samples hardly vary; train longer (--steps), with a lower --learning-rate, "
            "or with a smaller codebook (see the variant's options: vaeaug plugins show NAME)"
        )


class CodeCounter:
    """Counts the codes of discrete latents, batch by batch. Each tensor of a latent has a codebook of its own."""

    def __init__(self) -> None:
        self._counts: list[Tensor] = []

    def add(self, latent: Latent) -> None:
        """Count the codes of a batch; a continuous latent has none."""
        tensors = leaves(latent)
        if any(leaf.is_floating_point() for leaf in tensors):
            return
        self._counts += [torch.zeros(0, dtype=torch.int64)] * (len(tensors) - len(self._counts))
        for index, leaf in enumerate(tensors):
            new_K, old_K = leaf.flatten().cpu().bincount(), self._counts[index]
            size = max(len(new_K), len(old_K))
            padded = (torch.nn.functional.pad(counts_K, (0, size - len(counts_K))) for counts_K in (old_K, new_K))
            self._counts[index] = torch.stack(list(padded)).sum(dim=0)

    def use(self, total: int | None) -> CodeUse | None:
        """Return how many codes are in use out of `total`, or None if no discrete latent was counted."""
        if not self._counts:
            return None
        counts = torch.cat(self._counts).double()
        p = counts[counts > 0] / counts.sum()
        return CodeUse(len(p), total, float((-(p * p.log()).sum()).exp()))
