"""The evidence of each class for an image, which predicts the class of an unlabelled image."""

from __future__ import annotations

import torch
from torch import Tensor

from vaeaug.contracts import annealed_names
from vaeaug.models.store import StoredModel


@torch.no_grad()
def class_evidence(model: StoredModel, x_BCHW: Tensor) -> Tensor:
    """Return the negative cost (reconstruction plus KL) of the posterior mode under each class: (B, K), in nats.

    This is the ELBO with the mode in place of a draw, and with scope `per-class` each class's own network. It
    approximates log p(x|y) if the loss is a likelihood; otherwise it is only a score. The importance-weighted bound of
    64 draws predicts classes no better (65.5 % against 65.8 % of Fashion-MNIST with one network per class) and takes
    ten times as long. Nothing is drawn, so the result for an image does not depend on the other images of its batch.

    Args:
        x_BCHW: images in [0, 1], on the model's device.
    """
    columns = []
    for label in range(len(model.classes)):
        y_B = torch.full((len(x_BCHW),), label, device=x_BCHW.device)
        network = model.network(label)
        encoded = network.variant.encode(x_BCHW, y_B)
        cost_B = network.loss(network.variant.decode(encoded.latent, y_B), x_BCHW)
        kl = annealed_names(network.variant, encoded.penalties)
        columns.append(-sum((encoded.penalties[name] for name in kl), start=cost_B))
    return torch.stack(columns, dim=1)
