"""How well a network explains images of one class: the parts of every score.

The posterior mode gives the reconstruction that is shown, and the errors in pixel values. Bounds on the likelihood are
means over draws from the posterior. The draws for each image use the same random numbers, so the result does not depend
on other images, and images differ by their content and not by chance.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from vaeaug.contracts import kl_of
from vaeaug.models.likelihood import DRAWS_PER_BATCH
from vaeaug.models.network import Network
from vaeaug.seeds import seed_of

VARIANCE_OFFSET = 1e-3
"""Added to the variance of an image's values in [0, 1], that of 3 % noise: a flat image has none."""


@dataclass(frozen=True, slots=True)
class Measurements:
    """Measurements of B images by a network, on the CPU.

    Attributes:
        reconstruction_error: the loss, in nats if it is a likelihood, (B,).
        kl: in nats, (B,), or None if the variant reports none.
        iwae_bound: the importance-weighted bound on -log p(x|y) in nats, (B,), or None without importance weights.
        image_BCHW: the reconstruction from the posterior mode, in [0, 1].
        error_BHW: the absolute error of that reconstruction, averaged over channels, in [0, 1].
        scaled_error: its mean squared error over the image's contrast, the standard deviation of its values, (B,). So
            an image is not anomalous merely because it has more contrast or detail than others, as with likelihoods
            (Serra et al. 2020); with the variance instead, plain images would be.
    """

    reconstruction_error: Tensor
    kl: Tensor | None
    iwae_bound: Tensor | None
    image_BCHW: Tensor
    error_BHW: Tensor
    scaled_error: Tensor

    @property
    def negative_elbo(self) -> Tensor:
        """The reconstruction error plus the KL divergence, if there is one, (B,)."""
        return self.reconstruction_error if self.kl is None else self.reconstruction_error + self.kl


@torch.no_grad()
def measure(network: Network, x_BCHW: Tensor, y_B: Tensor, *, seed: int, draws: int) -> Measurements:
    """Measure images under the network of their class.

    If the variant has importance weights, `reconstruction_error` and `kl` are means over the draws, so that their sum
    is the negative ELBO; otherwise they belong to the mode.

    Args:
        network: in eval mode.
        x_BCHW: images in [0, 1], on the network's device.
        seed: of the draws; the same numbers for every image.
        draws: K of the bound.
    """
    encoded = network.variant.encode(x_BCHW, y_B)
    raw_BRHW = network.variant.decode(encoded.latent, y_B)
    image_BCHW = network.loss.image(raw_BRHW)
    error_BCHW = image_BCHW - x_BCHW
    contrast_B = (x_BCHW.var(dim=(2, 3), correction=0).mean(dim=1) + VARIANCE_OFFSET).sqrt()
    scaled_B = error_BCHW.square().mean(dim=(1, 2, 3)) / contrast_B
    cost_B: Tensor
    kl_B: Tensor | None
    iwae_B: Tensor | None
    if encoded.log_ratio is None:
        cost_B, kl_B, iwae_B = network.loss(raw_BRHW, x_BCHW), kl_of(network.variant, encoded.penalties), None
    else:
        rows = [_mean_over_draws(network, x_BCHW[i : i + 1], y_B[i : i + 1], seed, draws) for i in range(len(x_BCHW))]
        cost_B, kl_B, iwae_B = torch.stack(rows).unbind(dim=1)
    return Measurements(
        reconstruction_error=cost_B.cpu(),
        kl=None if kl_B is None else kl_B.cpu(),
        iwae_bound=None if iwae_B is None else iwae_B.cpu(),
        image_BCHW=image_BCHW.cpu(),
        error_BHW=error_BCHW.abs().mean(dim=1).cpu(),
        scaled_error=scaled_B.cpu(),
    )


def _mean_over_draws(network: Network, x_1CHW: Tensor, y_1: Tensor, seed: int, draws: int) -> Tensor:
    """Return the mean loss, the mean KL and the bound of one image, (3,)."""
    generator = torch.Generator(device=x_1CHW.device).manual_seed(seed_of(seed, "evidence"))
    costs, divergences, weights = [], [], []
    for start in range(0, draws, DRAWS_PER_BATCH):
        count = min(DRAWS_PER_BATCH, draws - start)
        x_KCHW, y_K = x_1CHW.expand(count, -1, -1, -1).contiguous(), y_1.expand(count).contiguous()
        encoded = network.variant.encode(x_KCHW, y_K, generator)
        cost_K = network.loss(network.variant.decode(encoded.latent, y_K), x_KCHW)
        kl_K = kl_of(network.variant, encoded.penalties)
        ratio_K: Tensor = encoded.log_ratio  # type: ignore[assignment] # it was there without a generator
        costs.append(cost_K)
        divergences.append(ratio_K if kl_K is None else kl_K)  # its mean is the KL, with more noise
        weights.append(-cost_K - ratio_K)
    bound = math.log(draws) - torch.cat(weights).logsumexp(dim=0)
    return torch.stack([torch.cat(costs).mean(), torch.cat(divergences).mean(), bound])
