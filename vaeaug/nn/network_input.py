"""The images that a named network was trained on: their size, and how their colours were normalized."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from vaeaug.nn.named_network import TIMM, TORCHVISION, build_network, isolated, split_network_name
from vaeaug.nn.timm_network import timm_data_config

_IMAGENET_MEAN, _IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@dataclass(frozen=True, slots=True)
class NetworkInput:
    """How a network receives images.

    Attributes:
        side: pixels per side.
        mean, std: of red, green and blue in [0, 1].
    """

    side: int = 224
    mean: tuple[float, ...] = _IMAGENET_MEAN
    std: tuple[float, ...] = _IMAGENET_STD

    def __call__(self, x_BCHW: Tensor) -> Tensor:
        """Return images in [0, 1] resized to a square, with three channels, and normalized."""
        size = (self.side, self.side)
        resized_BCHW = interpolate(x_BCHW.expand(-1, 3, -1, -1), size, mode="bilinear", antialias=True)
        mean_C11, std_C11 = (
            torch.tensor(values, device=x_BCHW.device)[:, None, None] for values in (self.mean, self.std)
        )
        return (resized_BCHW - mean_C11) / std_C11


def network_input(name: str) -> NetworkInput:
    """Return what the published weights of a network were trained on; for a callable the size and colours of ImageNet.

    Raises:
        InputError: if there is no such network.
    """
    library, rest = split_network_name(name)
    if library not in (TORCHVISION, TIMM):
        return NetworkInput()
    with isolated():
        network = build_network(name, torch.device("cpu"))
    if library == TIMM:
        config = timm_data_config(network)
        return NetworkInput(int(config["input_size"][-1]), tuple(config["mean"]), tuple(config["std"]))
    from torchvision import models  # noqa: PLC0415 (costs a second, which nobody else needs to wait)

    transforms = models.get_model_weights(rest).DEFAULT.transforms()
    return NetworkInput(int(transforms.crop_size[0]), tuple(transforms.mean), tuple(transforms.std))
