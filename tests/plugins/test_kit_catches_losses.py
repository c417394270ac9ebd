"""Each loss here breaks one promise of the contract, and the kit must name it."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from vaeaug import ImageSpec, ReconstructionLoss
from vaeaug.testing import check_loss, check_variant
from vaeaug.testing.reference import PixelwiseGaussian, SquaredDistance


class MeanOverPixels(SquaredDistance):
    def forward(self, raw_BRHW: Tensor, x_BCHW: Tensor) -> Tensor:
        return (raw_BRHW - x_BCHW).square().mean(dim=(1, 2, 3))


class MeanOverChannels(SquaredDistance):
    def forward(self, raw_BRHW: Tensor, x_BCHW: Tensor) -> Tensor:
        return (raw_BRHW - x_BCHW).square().mean(dim=1).sum(dim=(1, 2))


class OneValueForAll(SquaredDistance):
    def forward(self, raw_BRHW: Tensor, x_BCHW: Tensor) -> Tensor:
        return (raw_BRHW - x_BCHW).square().sum()


class SeesTheBatch(SquaredDistance):
    def forward(self, raw_BRHW: Tensor, x_BCHW: Tensor) -> Tensor:
        error_B = super().forward(raw_BRHW, x_BCHW)
        return error_B + error_B.mean()


class LogOfZero(SquaredDistance):
    def forward(self, raw_BRHW: Tensor, x_BCHW: Tensor) -> Tensor:
        p = raw_BRHW.sigmoid()
        return -(x_BCHW * p.log() + (1 - x_BCHW) * (1 - p).log()).sum(dim=(1, 2, 3))

    def image(self, raw_BRHW: Tensor) -> Tensor:
        return raw_BRHW.sigmoid()


class LeavesTheRange(SquaredDistance):
    def image(self, raw_BRHW: Tensor) -> Tensor:
        return raw_BRHW


class ForgetsTheSigmoid(SquaredDistance):
    def forward(self, raw_BRHW: Tensor, x_BCHW: Tensor) -> Tensor:
        return nn.functional.binary_cross_entropy_with_logits(raw_BRHW, x_BCHW, reduction="none").sum(dim=(1, 2, 3))


class ImageOfRawChannels(PixelwiseGaussian):
    def image(self, raw_BRHW: Tensor) -> Tensor:
        return raw_BRHW.clamp(0, 1)


class NoisyLoss(SquaredDistance):
    def forward(self, raw_BRHW: Tensor, x_BCHW: Tensor) -> Tensor:
        return super().forward(raw_BRHW + 0.01 * torch.randn_like(raw_BRHW), x_BCHW)


class CountsCalls(SquaredDistance):
    calls = 0

    def forward(self, raw_BRHW: Tensor, x_BCHW: Tensor) -> Tensor:
        self.calls += 1
        return super().forward(raw_BRHW, x_BCHW) * (1 + 1e-3 * self.calls)


class UnsavedState(SquaredDistance):
    seen = 0

    def forward(self, raw_BRHW: Tensor, x_BCHW: Tensor) -> Tensor:
        self.seen += self.training
        return super().forward(raw_BRHW, x_BCHW) / (1 + self.seen)


class Detached(SquaredDistance):
    def forward(self, raw_BRHW: Tensor, x_BCHW: Tensor) -> Tensor:
        return super().forward(raw_BRHW.round(), x_BCHW)


class NoRawChannels(SquaredDistance):
    def raw_channels(self, channels: int) -> int:
        return 0 * channels


class NotALoss(nn.Module):
    name = "not-a-loss"


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (MeanOverPixels, "sum over pixels"),
        (MeanOverChannels, "sum over channels"),
        (OneValueForAll, "never over the batch"),
        (SeesTheBatch, "other images of its batch"),
        (LogOfZero, "not finite at raw output of 30"),
        (LeavesTheRange, r"left \[0, 1\]"),
        (ForgetsTheSigmoid, r"left image\(raw\)"),
        (ImageOfRawChannels, r"image\(\) gave shape"),
        (NoisyLoss, "torch's global random state"),
        (CountsCalls, "two losses in eval mode"),
        (UnsavedState, "after saving and loading"),
        (Detached, r"left image\(raw\)"),
        (NoRawChannels, "at least 1"),
        (NotALoss, r"not a subclass of vaeaug\.ReconstructionLoss"),
    ],
)
def test_a_broken_loss_is_caught(broken: Any, message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        check_loss(broken)


@pytest.mark.parametrize("sound", [SquaredDistance, PixelwiseGaussian])
def test_a_sound_loss_passes(sound: type[ReconstructionLoss]) -> None:
    check_loss(sound)


def test_an_instance_is_no_class() -> None:
    with pytest.raises(AssertionError, match="not an instance"):
        check_loss(SquaredDistance(ImageSpec(1, 8, 8), None))  # type: ignore[arg-type]


def test_a_loss_is_no_variant() -> None:
    with pytest.raises(AssertionError, match="is a loss; return it from vaeaug_losses"):
        check_variant(SquaredDistance)  # type: ignore[arg-type]
