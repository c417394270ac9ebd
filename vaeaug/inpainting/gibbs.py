"""Completion without an inpainting encoder: encode the filled image, draw, decode, fill the hole again, and so on.

That is the pseudo-Gibbs sampler (Rezende, Mohamed & Wierstra 2014, appendix F). Its proposal q(z' | x filled from z) is
accepted with probability min(1, a) (Mattei & Frellsen, NeurIPS 2018, algorithm 2; here the hole is a function of z),

    a = p(x visible|z') p(z') q(z | x filled from z')  /  p(x visible|z) p(z) q(z' | x filled from z),

which makes p(z | x visible) the stationary distribution. It requires a posterior of one tensor with a `scale`, and a
`log_ratio`, with log p(z) = log q(z|x) - log_ratio. Otherwise every proposal is accepted.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from vaeaug.contracts import Latent, leaves, tree_map
from vaeaug.inpainting.visible import composite, visible_loss
from vaeaug.models.network import Network


@dataclass(frozen=True, slots=True)
class States:
    """S chains; the terms of the correction are None if they cannot be computed.

    Attributes:
        filled_SCHW: the image, its hole filled from z.
        visible_S: the loss of the visible pixels.
        posterior: mean and standard deviation of q(. | filled), each (S, D).
    """

    latent: Latent
    filled_SCHW: Tensor
    visible_S: Tensor
    log_prior_S: Tensor | None
    posterior: tuple[Tensor, Tensor] | None


class Gibbs:
    """The chains of one image, for one class.

    Args:
        x_CHW: in [0, 1]; the content of the hole is ignored.
        visible_1HW: 1 where a pixel is visible, 0 where it is missing.
    """

    def __init__(self, network: Network, x_CHW: Tensor, visible_1HW: Tensor, label: int) -> None:
        self.network, self.x_CHW, self.visible_1HW, self.label = network, x_CHW, visible_1HW, label

    def begin(self, latent: Latent, generator: torch.Generator) -> States:
        """Return chains that begin with a draw from the posteriors of what some latents complete the image to."""
        y_S = self._labels(latent)
        image_SCHW = self.network.loss.image(self.network.variant.decode(latent, y_S))
        filled_SCHW = composite(self.x_CHW[None], image_SCHW, self.visible_1HW[None])
        return self._propose(filled_SCHW, self._posterior(filled_SCHW, y_S), generator)[0]

    def step(self, states: States, generator: torch.Generator) -> tuple[States, Tensor]:
        """Return the states after one step, and which proposals were accepted, bool (S,)."""
        proposed, forward_S = self._propose(states.filled_SCHW, states.posterior, generator)
        if forward_S is None or states.log_prior_S is None or proposed.log_prior_S is None:
            return proposed, torch.ones_like(states.visible_S, dtype=torch.bool)
        backward_S = _log_density(leaves(states.latent)[0], proposed.posterior)
        log_a_S = (proposed.log_prior_S - proposed.visible_S + backward_S) - (
            states.log_prior_S - states.visible_S + forward_S
        )
        u_S = torch.rand(len(log_a_S), generator=generator, device=generator.device)
        accepted_S = u_S.log() < log_a_S
        return _where(accepted_S, proposed, states), accepted_S

    def _propose(
        self, filled_SCHW: Tensor, posterior: tuple[Tensor, Tensor] | None, generator: torch.Generator
    ) -> tuple[States, Tensor | None]:
        """Return drawn states, and the log-density of each draw if it is known."""
        variant, loss = self.network.variant, self.network.loss
        y_S = torch.full((len(filled_SCHW),), self.label, device=filled_SCHW.device)
        drawn = variant.encode(filled_SCHW, y_S, generator)
        raw_SRHW = variant.decode(drawn.latent, y_S)
        refilled_SCHW = composite(self.x_CHW[None], loss.image(raw_SRHW), self.visible_1HW[None])
        density_S = log_prior_S = None
        if posterior is not None and drawn.log_ratio is not None:
            density_S = _log_density(leaves(drawn.latent)[0], posterior)
            log_prior_S = density_S - drawn.log_ratio
        states = States(
            drawn.latent,
            refilled_SCHW,
            visible_loss(loss, raw_SRHW, self.x_CHW[None], self.visible_1HW[None].expand(len(y_S), -1, -1, -1)),
            log_prior_S,
            self._posterior(refilled_SCHW, y_S),
        )
        return states, density_S

    def _posterior(self, filled_SCHW: Tensor, y_S: Tensor) -> tuple[Tensor, Tensor] | None:
        """Return the mean and standard deviation of q(.|filled), or None if it is no Gaussian over one tensor."""
        mode = self.network.variant.encode(filled_SCHW, y_S)
        if mode.scale is None or len(leaves(mode.latent)) != 1:
            return None
        return leaves(mode.latent)[0].flatten(1), leaves(mode.scale)[0].flatten(1)

    def _labels(self, latent: Latent) -> Tensor:
        first = leaves(latent)[0]
        return torch.full((len(first),), self.label, device=first.device)


def _log_density(z: Tensor, posterior: tuple[Tensor, Tensor] | None) -> Tensor:
    """Return log N(z; mean, std^2) in nats, (S,)."""
    assert posterior is not None  # noqa: S101 (states that know log p(z) know their posterior)
    mean_SD, std_SD = posterior
    squares_SD = ((z.flatten(1) - mean_SD) / std_SD).square()
    return -(0.5 * squares_SD + std_SD.log() + 0.5 * math.log(2 * math.pi)).sum(dim=1)


def _where(accepted_S: Tensor, one: States, other: States) -> States:
    """Return the states of `one` where they are accepted, otherwise of `other`."""

    def pick(a: Tensor, b: Tensor) -> Tensor:
        return torch.where(accepted_S.view(-1, *[1] * (a.dim() - 1)), a, b)

    assert one.log_prior_S is not None and other.log_prior_S is not None  # noqa: S101, PT018
    assert one.posterior is not None and other.posterior is not None  # noqa: S101, PT018
    return States(
        tree_map(pick, one.latent, other.latent),
        pick(one.filled_SCHW, other.filled_SCHW),
        pick(one.visible_S, other.visible_S),
        pick(one.log_prior_S, other.log_prior_S),
        (pick(one.posterior[0], other.posterior[0]), pick(one.posterior[1], other.posterior[1])),
    )
