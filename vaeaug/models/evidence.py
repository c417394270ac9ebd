"""How likely an image is under each class: what tells the class of an unlabelled image, and finds wrong labels."""

from __future__ import annotations

import torch
from torch import Tensor

from vaeaug.models.likelihood import iwae_bound
from vaeaug.models.network import Network
from vaeaug.models.store import StoredModel
from vaeaug.seeds import seed_of
from vaeaug.training.schedules import is_kl


@torch.no_grad()
def class_evidence(model: StoredModel, x_BCHW: Tensor, *, seed: int, draws: int = 16) -> Tensor:
    """Return an estimate of log p(x|y) of each image for each class y, shape (B, K), in nats.

    It is the importance-weighted bound where the variant tells its importance weights. Else it is what such a variant
    pays for an image's mode: minus its reconstruction loss and whatever KL it reports. Where the loss is no likelihood
    it is a score all the same: the higher, the better the class explains the image.

    Every class sees the same random numbers, so that classes differ by what they know and not by luck.

    Args:
        model: the trained model; with scope `per-class` each class's own network is asked.
        x_BCHW: images in [0, 1], on the model's device.
        seed: of the draws.
        draws: K of the bound.
    """
    columns = []
    for label in range(len(model.classes)):
        y_B = torch.full((len(x_BCHW),), label, device=x_BCHW.device)
        generator = torch.Generator(device=x_BCHW.device).manual_seed(seed_of(seed, "evidence"))
        columns.append(_evidence(model.network(label), x_BCHW, y_B, generator, draws))
    return torch.stack(columns, dim=1)


@torch.no_grad()
def mode_evidence(model: StoredModel, x_BCHW: Tensor) -> Tensor:
    """Return minus what each class pays for each image's mode, reconstruction and KL: shape (B, K), in nats.

    It guesses classes about as well as `class_evidence` in a tenth of the time, and draws nothing, so that what it says
    of an image does not depend on the other images of its batch.

    Args:
        model: as there.
        x_BCHW: as there.
    """
    columns = []
    for label in range(len(model.classes)):
        y_B = torch.full((len(x_BCHW),), label, device=x_BCHW.device)
        columns.append(_at_mode(model.network(label), x_BCHW, y_B))
    return torch.stack(columns, dim=1)


def has_importance_weights(network: Network, x_BCHW: Tensor, y_B: Tensor) -> bool:
    """Tell whether a variant knows its importance weights (`Encoded.log_ratio`); asks it for one image."""
    return network.variant.encode(x_BCHW[:1], y_B[:1]).log_ratio is not None


def _evidence(network: Network, x_BCHW: Tensor, y_B: Tensor, generator: torch.Generator, draws: int) -> Tensor:
    if has_importance_weights(network, x_BCHW, y_B):
        return -iwae_bound(network, x_BCHW, y_B, generator, draws)
    return _at_mode(network, x_BCHW, y_B)


def _at_mode(network: Network, x_BCHW: Tensor, y_B: Tensor) -> Tensor:
    encoded = network.variant.encode(x_BCHW, y_B)
    cost_B = network.loss(network.variant.decode(encoded.latent, y_B), x_BCHW)
    return -sum((value_B for name, value_B in encoded.penalties.items() if is_kl(name)), start=cost_B)
