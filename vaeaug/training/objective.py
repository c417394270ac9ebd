"""What a training step minimizes: the terms of a variant, checked, annealed and added up, and their consistency."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import torch
from torch import Tensor, nn

from vaeaug.contracts import ReconstructionLoss, Variant, annealed_names, shape_fault
from vaeaug.contracts.latent import flatten
from vaeaug.errors import PluginError
from vaeaug.nn import kl_gaussians

CONSISTENCY = "consistency"
"""Name of the weighted consistency term in `history.jsonl`."""


def checked_losses(
    variant: Variant, x_BCHW: Tensor, y_B: Tensor, loss: ReconstructionLoss, generator: torch.Generator
) -> dict[str, dict[str, Tensor]]:
    """Return `Variant.losses` of a batch.

    Raises:
        PluginError: if a term does not have its declared shape (`Variant.terms`).
    """
    losses = variant.losses(x_BCHW, y_B, loss, generator)
    for group, terms in losses.items():
        for name, value in terms.items():
            fault = shape_fault(variant, name, value, len(x_BCHW))
            if fault is not None:
                raise PluginError(f"variant '{variant.name}': loss {group}/{name} {fault}")
    return losses


def objective(terms: Mapping[str, Tensor], annealed: Collection[str], weight: float, free_bits: float) -> Tensor:
    """Return the scalar to minimize: the batch mean of every term, annealed terms with free bits and weighted.

    Args:
        terms: name -> (B,), or () for a term over the batch.
        free_bits: nats of each annealed term, averaged over the batch, that cost nothing (Kingma et al. 2016, eq. 15,
            with every annealed term a group).
    """
    parts = []
    for name, value in terms.items():
        mean = value.mean()
        if name in annealed:
            mean = weight * (mean.clamp(min=free_bits) if free_bits else mean)
        parts.append(mean)
    return torch.stack(parts).sum() if len(parts) > 1 else parts[0]


def consistency(variant: Variant, x_BCHW: Tensor, copies_BCHW: Tensor, y_B: Tensor) -> Tensor:
    """Return KL(q(z|copy) || q(z|x)) of each image and its augmented copy, in nats, (B,).

    S. Sinha, A. B. Dieng. Consistency Regularization for Variational Auto-Encoders. NeurIPS 2021, arXiv:2105.14859:
    minimize the negative ELBO of the image and of the copy, plus this KL times a weight. Gradients reach both
    posteriors. For several groups of latents it is the sum over groups, each given the modes of the groups above it,
    which approximates the KL of the joint posterior.

    Raises:
        PluginError: if the variant does not have a Gaussian posterior (`Encoded.scale`).
    """
    encoded = variant.encode(torch.cat([copies_BCHW, x_BCHW]), torch.cat([y_B, y_B]))
    if encoded.scale is None:
        raise PluginError(f"variant '{variant.name}' has no Gaussian posterior, which the consistency term needs")
    (copy_mean_BD, mean_BD), (copy_std_BD, std_BD) = flatten(encoded.latent).chunk(2), flatten(encoded.scale).chunk(2)
    return kl_gaussians(copy_mean_BD, 2 * copy_std_BD.log(), mean_BD, 2 * std_BD.log())


def take_gradients(
    variant: Variant,
    losses: Mapping[str, Mapping[str, Tensor]],
    groups: Mapping[str, Sequence[nn.Parameter]],
    weight: float,
    free_bits: float,
    *,
    consistency_term: Tensor | None = None,
) -> None:
    """Set the gradient of each group's parameters to that of the group's objective.

    Args:
        losses: group -> term -> value (`Variant.losses`).
        groups: group -> parameters.
        weight: weight of the annealed terms.
        free_bits: see `objective`.
        consistency_term: of a batch of augmented copies, weighted, (). It is added to the objective of every group,
            because the encoder may be in any of them, and the gradients are added to those of the images.
    """
    remaining = len(losses)
    for group, terms in losses.items():
        remaining -= 1
        total = objective(terms, annealed_names(variant, terms), weight, free_bits)
        if consistency_term is not None:
            total = total + consistency_term
        gradients = torch.autograd.grad(total, groups[group], retain_graph=remaining > 0, allow_unused=True)
        for parameter, gradient in zip(groups[group], gradients, strict=True):
            if consistency_term is None or parameter.grad is None:
                parameter.grad = _match_layout(parameter, gradient)
            elif gradient is not None:
                parameter.grad = parameter.grad + gradient  # not in place: parameters may share one gradient


def _match_layout(parameter: nn.Parameter, gradient: Tensor | None) -> Tensor | None:
    """Return the gradient in the parameter's memory layout, as `backward` does and `autograd.grad` does not.

    The weight gradient of a channels-last convolution is channels-last, and the fused AdamW (torch 2.14, CPU) assumes
    equal layouts, so it would move the wrong weights.
    """
    if gradient is None or gradient.stride() == parameter.stride():
        return gradient
    return torch.empty_like(parameter).copy_(gradient)
