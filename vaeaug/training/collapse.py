"""Posterior collapse: latent dimensions that say nothing about the image."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

ACTIVE_VARIANCE = 0.01  # Burda et al. 2016, sec. 5: the variances are well separated around it


@dataclass(frozen=True, slots=True)
class ActiveUnits:
    """How many latent dimensions are in use.

    Attributes:
        active: dimensions whose posterior mean varies over the images.
        total: all dimensions, D.
    """

    active: int
    total: int

    @property
    def collapsed(self) -> bool:
        """Whether the decoder all but ignores the latent: fewer than one dimension in sixteen is active."""
        return self.active < max(1, self.total / 16)

    def advice(self, *, kl: bool) -> str | None:
        """Return what to tell the user, or None where all is well.

        Args:
            kl: whether the objective has a KL divergence, which is what makes a posterior collapse.
        """
        if not self.collapsed:
            return None
        if not kl:
            return (
                f"{self.active} of {self.total} latent dimensions are active, so samples hardly vary; "
                "train longer (--steps), at a lower --learning-rate, or with another --loss"
            )
        return (
            f"posterior collapse: {self.active} of {self.total} latent dimensions are active, so samples hardly vary; "
            "try a longer --kl-warmup, --kl-annealing cyclical or a smaller --latent-dim"
        )


def active_units(features_ND: Tensor) -> ActiveUnits:
    """Count the dimensions with Var_x(E[z|x]) > 0.01 (Burda et al. 2016, arXiv:1509.00519, sec. 5).

    Args:
        features_ND: posterior means of N images.
    """
    variance_D = features_ND.var(dim=0, correction=0)
    return ActiveUnits(active=int((variance_D > ACTIVE_VARIANCE).sum()), total=features_ND.shape[1])
