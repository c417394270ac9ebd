"""The contract of a reconstruction loss. It owns the decoder's output head, so that any loss goes with any variant."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor, nn

from vaeaug.contracts.spec import ImageSpec, ImageStatistics


class ReconstructionLoss(nn.Module, ABC):
    """How a decoder's raw output is scored against an image, and turned into an image.

    Subclass it, set `name`, and return the class from the hook `vaeaug_losses`. `vaeaug.testing.check_loss` checks it.

    Attributes:
        name: what users type (`--loss NAME`): lower case, words joined by hyphens.
        reference: the paper it comes from, for `vaeaug plugins show`.
        default: whether it is used if the user names no loss and none recommends itself (`suits`); the first such loss
            wins.
        small_options: options with which the loss is fast enough for tests and needs no download.
        Config: a frozen dataclass whose fields are the options; declare them with `vaeaug.option`.
    """

    name: ClassVar[str]
    reference: ClassVar[str] = ""
    default: ClassVar[bool] = False
    small_options: ClassVar[Mapping[str, Any]] = {}

    @dataclass(frozen=True)
    class Config:
        """No options."""

    def __init__(self, spec: ImageSpec, config: Any) -> None:
        super().__init__()
        self.spec = spec
        self.config = config

    @classmethod
    def suits(cls, images: ImageStatistics) -> str | None:  # noqa: ARG003
        """Return why this loss fits the data, in a few words, or None (the default).

        `--loss auto` takes the first loss that gives a reason, otherwise the default loss. Give a reason only for a
        kind of data for which no general loss is as good.
        """
        return None

    def raw_channels(self, channels: int) -> int:
        """Return R, the number of decoder output channels for images of `channels` channels; the same by default."""
        return channels

    @abstractmethod
    def forward(self, raw_BRHW: Tensor, x_BCHW: Tensor) -> Tensor:
        """Return the loss of each image, (B,), summed over channels and pixels; in nats for a likelihood.

        It is a sum, not a mean, so that a KL weight means the same under every loss.

        Args:
            raw_BRHW: the decoder's output.
            x_BCHW: images in [0, 1].
        """

    @abstractmethod
    def image(self, raw_BRHW: Tensor) -> Tensor:
        """Return the image that raw output represents, (B, C, H, W), in [0, 1].

        Gradients must reach the raw output through it (straight-through if it is a choice).
        """

    def calibrate(self, raw_BRHW: Tensor, x_BCHW: Tensor) -> None:
        """Learn from held-out images; called without gradient at each validation. The default does nothing.

        `raw_BRHW` is decoded from draws from their posteriors. A likelihood with its own variance can use this to avoid
        overconfidence when a few training images are reconstructed better than any others.
        """
