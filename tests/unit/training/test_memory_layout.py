"""A step is the same whatever the memory layout that a variant computes in."""

from typing import Any

import torch
from torch import Tensor, nn
from toy_training import Linear, same, train, weights

from vaeaug import Encoded


class Convolved(Linear):
    """The toy behind a convolution of images in a memory format."""

    def __init__(self, memory_format: torch.memory_format) -> None:
        super().__init__()
        self.memory_format = memory_format
        self.expand, self.collapse = nn.Conv2d(1, 8, 3, padding=1), nn.Conv2d(8, 1, 3, padding=1)

    def encode(self, x_BCHW: Tensor, y_B: Tensor, generator: Any = None) -> Encoded:
        h_BLHW = self.expand(x_BCHW).contiguous(memory_format=self.memory_format)
        return super().encode(self.collapse(h_BLHW), y_B, generator)


def test_channels_last_images_move_the_same_weights() -> None:
    ended = []
    for memory_format in (torch.contiguous_format, torch.channels_last):
        torch.manual_seed(0)
        model, _ = train(
            Convolved(memory_format), steps=1, validate=0, clip=0.0, ema=0.0, learning_rate=0.01, warmup=0.0
        )
        ended.append(weights(model))
    torch.manual_seed(0)
    assert not same(ended[0], weights(Convolved(torch.contiguous_format)))
    for name, tensor in ended[0].items():
        assert torch.allclose(tensor, ended[1][name], atol=1e-4), name
