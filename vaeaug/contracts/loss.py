"""The contract of a reconstruction loss. It owns the decoder's output head, so that any loss goes with any variant."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor, nn

from vaeaug.contracts.spec import ImageSpec, ImageStatistics


class ReconstructionLoss(nn.Module, ABC):
    """How a decoder's raw output is scored against an image, and turned into one.

    Subclass it, give it a `name`, and return the class from the hook `vaeaug_losses`.
    `vaeaug.testing.check_loss` checks the contract.

    Attributes:
        name: how users call it (`--loss NAME`): lower case, words joined by hyphens.
        reference: the paper it comes from, for `vaeaug plugins show`.
        default: whether it is used when the user names no loss and none says that it suits the data (`suits`); of
            several, the first in order of precedence is.
        small_options: option -> value with which the loss is quick enough for tests and needs no download.
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
        """Return why this loss is made for such images, in a few words, or None where it is not.

        `--loss auto` takes the first loss, in order of precedence, that gives a reason; else the default one. So give
        one only for a kind of data that no general loss is as good for. Default: None.

        Args:
            images: of the training images.
        """
        return None

    def raw_channels(self, channels: int) -> int:
        """Return R, how many channels the decoder puts out for images of `channels` channels. Default: as many."""
        return channels

    @abstractmethod
    def forward(self, raw_BRHW: Tensor, x_BCHW: Tensor) -> Tensor:
        """Return the loss of each image, shape (B,), summed (not averaged) over channels and pixels.

        Summed, so that a KL weight means the same under every loss. In nats where it is a likelihood.

        Args:
            raw_BRHW: what the decoder put out.
            x_BCHW: the image in [0, 1].
        """

    @abstractmethod
    def image(self, raw_BRHW: Tensor) -> Tensor:
        """Return the image that raw output stands for, shape (B, C, H, W), in [0, 1].

        Gradients reach the raw output through it (straight through where it is a choice), for what scores images.
        """

    def calibrate(self, raw_BRHW: Tensor, x_BCHW: Tensor) -> None:
        """Learn from held-out images: called without gradient at each validation, with what is decoded for them.

        The default learns nothing. A likelihood with a variance of its own can keep it from being overconfident where
        a few training images are reconstructed better than any others.

        Args:
            raw_BRHW: what the decoder put out for draws from the posteriors of held-out images.
            x_BCHW: those images.
        """
