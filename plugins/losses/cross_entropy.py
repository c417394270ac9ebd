"""Cross-entropy: a categorical likelihood per pixel, over the colours of a palette or over intensity levels.

Loss, per image:  -sum log softmax(raw)_t.

**Indexed images** (class masks, pixel art): t is the index of the pixel's colour in the palette, raw has one logit per
colour, and the image has the most probable colour of each pixel.

**Other images**: t is the nearest of L evenly spaced intensities, and raw has L logits per channel (van den Oord et al.
2016, with L = 256). The image has each pixel's median level: the mean draws halos around edges, and the most probable
level loses thin parts to a black background.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import conv2d, cross_entropy

from vaeaug import ImageSpec, ImageStatistics, ReconstructionLoss, hookimpl, option


class CrossEntropy(ReconstructionLoss):
    """The negative log-likelihood of a categorical distribution per pixel, in nats: for indexed images."""

    name = "cross-entropy"
    reference = "van den Oord, Kalchbrenner & Kavukcuoglu, Pixel Recurrent Neural Networks, ICML 2016, sec. 3.4"

    @dataclass(frozen=True)
    class Config:
        """The levels."""

        levels: int = option(
            32, "Number of intensity levels per channel; not used for indexed images.", minimum=2, maximum=256
        )

    config: Config
    values: Tensor

    def __init__(self, spec: ImageSpec, config: Config) -> None:
        super().__init__(spec, config)
        if spec.palette is not None:
            values = torch.tensor(spec.palette, dtype=torch.float32)
        else:
            values = torch.linspace(0, 1, config.levels)
        self.register_buffer("values", values, persistent=False)

    @classmethod
    def suits(cls, images: ImageStatistics) -> str | None:
        """Take indexed images."""
        if images.palette is None:
            return None
        return f"the images are indexed, with {len(images.palette)} colours"

    def raw_channels(self, channels: int) -> int:
        """Return R: one logit per colour of the palette, or per level and channel."""
        return len(self.values) if self.spec.palette is not None else channels * len(self.values)

    def forward(self, raw_BRHW: Tensor, x_BCHW: Tensor) -> Tensor:
        """Return the negative log-likelihood of each image, shape (B,)."""
        if self.spec.palette is not None:
            return cross_entropy(raw_BRHW, self._colours(x_BCHW), reduction="none").sum(dim=(1, 2))
        target_BCHW = (x_BCHW * (len(self.values) - 1)).round().long()
        return cross_entropy(self._levels(raw_BRHW).transpose(1, 2), target_BCHW, reduction="none").sum(dim=(1, 2, 3))

    def image(self, raw_BRHW: Tensor) -> Tensor:
        """Return the most probable colours, or each pixel's median level; gradients are those of the mean."""
        if self.spec.palette is not None:
            p_BKHW = raw_BRHW.softmax(dim=1)
            values_KC = self.values / 255
            hard = values_KC[raw_BRHW.argmax(dim=1)].permute(0, 3, 1, 2)
            soft = torch.einsum("bkhw,kc->bchw", p_BKHW, values_KC)
        else:
            p_BCLHW = self._levels(raw_BRHW).softmax(dim=2)
            median_BCHW = (p_BCLHW.cumsum(dim=2) < 0.5).sum(dim=2).clamp(max=len(self.values) - 1)
            hard = self.values[median_BCHW]
            soft = torch.einsum("bclhw,l->bchw", p_BCLHW, self.values)
        return hard + (soft - soft.detach())

    def _levels(self, raw_BRHW: Tensor) -> Tensor:
        """Return the logits as (B, C, L, H, W)."""
        return raw_BRHW.unflatten(1, (-1, len(self.values)))

    def _colours(self, x_BCHW: Tensor) -> Tensor:
        """Return the index of each pixel's nearest colour, (B, H, W).

        |p - c|^2 = |p|^2 - 2 p c + |c|^2, in whole numbers below 2^24, so float32 is exact.
        """
        palette_KC11 = self.values[:, :, None, None]
        return conv2d((255 * x_BCHW).round(), -2 * palette_KC11, self.values.square().sum(dim=1)).argmin(dim=1)


@hookimpl
def vaeaug_losses() -> Iterable[type[ReconstructionLoss]]:
    """Bring the cross-entropy."""
    return [CrossEntropy]
