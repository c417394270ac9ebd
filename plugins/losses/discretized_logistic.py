"""A mixture of discretized logistics over the 256 intensities (Salimans et al. 2017, PixelCNN++).

Loss, per image:  -sum over pixels of log sum_k pi_k prod_c P_k(x_c),
P_k(x) = sigmoid((x + h - m_kc) / s_kc) - sigmoid((x - h - m_kc) / s_kc),  values in [-1, 1],  h = 1/255,

where the difference extends to minus infinity at the value 0 and to infinity at 255, so that the 256 probabilities sum
to 1. The colours of a component depend on the previous ones (eq. 3): m_g = mu_g + a r,  m_b = mu_b + b r + c g.

This is a probability of the 8-bit image, in nats, where `gaussian` and `l1` give a density of values in [0, 1] (less by
log 255 per value).
"""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from vaeaug import ReconstructionLoss, hookimpl, option

HALF_LEVEL = 1 / 255  # half an intensity's width, values running from -1 to 1
MIN_LOG_SCALE, MAX_LOG_SCALE = -7.0, 7.0  # -7 as in the paper: e^-7 is a quarter of HALF_LEVEL


class DiscretizedLogistic(ReconstructionLoss):
    """The negative log-likelihood of 8-bit images under a mixture of discretized logistics, in nats."""

    name = "discretized-logistic"
    reference = "Salimans et al., PixelCNN++, ICLR 2017, arXiv:1701.05517; Kingma et al., NIPS 2016, arXiv:1606.04934"

    @dataclass(frozen=True)
    class Config:
        """The mixture."""

        components: int = option(
            5, "Number of logistics in the mixture of a pixel; 1 for a plain logistic.", minimum=1, maximum=20
        )

    config: Config

    def raw_channels(self, channels: int) -> int:
        """Return R: a component has a weight, C means, C log-scales, and C (C - 1) / 2 couplings of colours."""
        return self.config.components * (1 + 2 * channels + channels * (channels - 1) // 2)

    def forward(self, raw_BRHW: Tensor, x_BCHW: Tensor) -> Tensor:
        """Return the negative log-likelihood of each image rounded to 8 bits, shape (B,)."""
        level_B1CHW = (255 * x_BCHW).round()[:, None]
        value_B1CHW = level_B1CHW / 127.5 - 1
        log_weight_BKHW, mean_BKCHW, log_scale_BKCHW, coupling = self._split(raw_BRHW)
        mean_BKCHW = _coupled(mean_BKCHW, coupling, value_B1CHW)
        log_scale_BKCHW = log_scale_BKCHW.clamp(MIN_LOG_SCALE, MAX_LOG_SCALE)
        log_p_BKCHW = log_probability(level_B1CHW, value_B1CHW - mean_BKCHW, log_scale_BKCHW)
        return -(log_weight_BKHW + log_p_BKCHW.sum(dim=2)).logsumexp(dim=1).sum(dim=(1, 2))

    def image(self, raw_BRHW: Tensor) -> Tensor:
        """Return the mixture's mean, each component's cut to [0, 1]: what lies beyond an end counts as that end."""
        log_weight_BKHW, mean_BKCHW, _, coupling = self._split(raw_BRHW)
        mean_BKCHW = _coupled(mean_BKCHW, coupling)
        return (log_weight_BKHW.exp()[:, :, None] * (0.5 + 0.5 * mean_BKCHW.clamp(-1, 1))).sum(dim=1).clamp(0, 1)

    def _split(self, raw_BRHW: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return log-weights (B, K, H, W), means and log-scales (B, K, C, H, W), and as many couplings as there are."""
        channels = self.spec.channels
        each = raw_BRHW.unflatten(1, (self.config.components, -1))
        weight, mean, log_scale, coupling = each.split([1, channels, channels, each.shape[2] - 1 - 2 * channels], dim=2)
        return weight.squeeze(2).log_softmax(dim=1), mean, log_scale, coupling.tanh()


def _coupled(mean_BKCHW: Tensor, coupling: Tensor, value_B1CHW: Tensor | None = None) -> Tensor:
    """Return means that depend linearly on the colours before, as they are in an image or, without one, on average."""
    means: list[Tensor] = []
    number = 0
    for channel in range(mean_BKCHW.shape[2]):
        mean = mean_BKCHW[:, :, channel]
        for before in range(channel):
            value = means[before].clamp(-1, 1) if value_B1CHW is None else value_B1CHW[:, :, before]
            mean = mean + coupling[:, :, number] * value
            number += 1
        means.append(mean)
    return torch.stack(means, dim=2)


def log_probability(level: Tensor, offset: Tensor, log_scale: Tensor) -> Tensor:
    """Return log P of an intensity, by sigmoid(a) - sigmoid(b) = sigmoid(a) sigmoid(-b) (1 - exp(b - a)).

    This is exact in the tails, where the difference of two sigmoids rounds to 0 and the paper falls back to a density.

    Args:
        level: 0 to 255.
        offset: distance of its value above the mean, with values from -1 to 1.
    """
    inverse = (-log_scale).exp()
    above = logsigmoid((offset + HALF_LEVEL) * inverse).masked_fill(level == 255, 0.0)
    below = logsigmoid((HALF_LEVEL - offset) * inverse).masked_fill(level == 0, 0.0)
    between = torch.log(-torch.expm1(-2 * HALF_LEVEL * inverse)).masked_fill((level == 0) | (level == 255), 0.0)
    return above + below + between


@hookimpl
def vaeaug_losses() -> Iterable[type[ReconstructionLoss]]:
    """Bring the mixture of discretized logistics."""
    return [DiscretizedLogistic]
