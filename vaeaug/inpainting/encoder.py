"""What an inpainting encoder is: a density over latents given a part of an image."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from vaeaug.contracts import ImageSpec, Latent
from vaeaug.inpainting.pixel_blend import decoded_only
from vaeaug.nn import Encoder


class InpaintingEncoder(nn.Module, ABC):
    """c(z | visible pixels, mask, label), trained for a model whose networks stay fixed.

    Training minimizes E[-log c(z | x visible, m, y)] over z ~ q(z|x, y), images x and random masks m: the forward KL,
    so that c covers all latents that the visible pixels allow (Harvey et al., ICLR 2022, eq. 8). A classifier of the
    visible pixels is trained too, for images of unknown class.

    Attributes:
        blend_weights_FKE: weights of what the model decodes and of what its Gaussians expect (`pixel_blend`).
    """

    kind: ClassVar[str]
    blend_weights_FKE: Tensor

    def __init__(self, spec: ImageSpec) -> None:
        super().__init__()
        self.register_buffer("blend_weights_FKE", decoded_only())
        self.classifier = Encoder(
            channels=spec.channels + 1, height=spec.height, width=spec.width, features=spec.num_classes
        )

    def class_logits(self, x_BCHW: Tensor, visible_B1HW: Tensor) -> Tensor:
        """Return the logit of each class given the visible pixels, (B, K)."""
        masked_BCHW = masked_input(x_BCHW, visible_B1HW)
        no_class_B = torch.zeros(len(x_BCHW), dtype=torch.int64, device=x_BCHW.device)
        logits_BK: Tensor = self.classifier(masked_BCHW, no_class_B)
        return logits_BK

    @abstractmethod
    def settings(self) -> dict[str, Any]:
        """Return the other arguments of `build`, as JSON values."""

    @abstractmethod
    def loss(
        self, x_BCHW: Tensor, visible_B1HW: Tensor, y_B: Tensor, z_BD: Tensor, generator: torch.Generator
    ) -> Tensor:
        """Return -log c of each image's latent, (B,), in nats (in expectation if `generator` is used).

        Args:
            x_BCHW: images in [0, 1]; the content of the holes is ignored.
            visible_B1HW: 1 where a pixel is visible, 0 where it is missing.
            z_BD: the latents, all leaves concatenated.
        """

    @abstractmethod
    def draw(self, x_CHW: Tensor, visible_1HW: Tensor, label: int, count: int, generator: torch.Generator) -> Latent:
        """Draw `count` latents for one image, structured as the variant's, with the draws as the first axis."""

    def refine(
        self,
        latent: Latent,
        x_CHW: Tensor,  # noqa: ARG002
        visible_1HW: Tensor,  # noqa: ARG002
        label: int,  # noqa: ARG002
        visible_loss: Callable[[Latent], Tensor],  # noqa: ARG002
    ) -> Latent:
        """Return latents near those that were drawn which explain the visible pixels better; by default the same.

        Args:
            visible_loss: returns -log p(visible pixels | z) of each latent, (S,), with a gradient.
        """
        return latent


def masked_input(x_BCHW: Tensor, visible_B1HW: Tensor) -> Tensor:
    """Return the network's input (B, C + 1, H, W) in [0, 1]: visible pixels, gray in the hole, and the mask."""
    return torch.cat([torch.where(visible_B1HW > 0, x_BCHW, 0.5), visible_B1HW], dim=1)
