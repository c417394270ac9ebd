"""Feature maps of a pretrained convolutional network: what some of its layers put out.

Nothing here is part of a module's parameters or state dict: a model that was trained with it is used without it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from vaeaug.nn.layer_trace import trace
from vaeaug.nn.named_network import build_network, isolated, load_weights


class PretrainedFeatures:
    """A frozen network, run up to the deepest of the requested layers. Get one from `pretrained_features`.

    It is not an `nn.Module`, so that a module can have it as an attribute without saving its weights.

    Attributes:
        layers: the names of the layers, in the order they are computed in.
    """

    def __init__(self, network: nn.Module, layers: Sequence[str]) -> None:
        self.layers = tuple(layers)
        self._network = network
        self._maps: list[Tensor] = []
        for name in layers:
            network.get_submodule(name).register_forward_hook(self._keep)

    def __call__(self, x_BCHW: Tensor) -> list[Tensor]:
        """Return the feature maps of the layers, (B, F, h, w) each; gradients reach the images, not the network.

        Args:
            x_BCHW: images as the network was trained on: three channels, its own range.
        """
        self._maps = []
        with contextlib.suppress(_DeepestReached):
            # Convolutions are up to half as fast again in this order of memory on a CPU.
            self._network(x_BCHW.contiguous(memory_format=torch.channels_last))
        maps, self._maps = self._maps, []
        return maps

    def _keep(self, module: nn.Module, inputs: Any, output: Tensor) -> None:  # noqa: ARG002 (a hook's signature)
        self._maps.append(output)
        if len(self._maps) == len(self.layers):
            raise _DeepestReached


class _DeepestReached(Exception):  # noqa: N818 (no error: it ends a network's pass, for which torch has no other way)
    """All requested layers are computed."""


def pretrained_features(
    network: str,
    weights: str | None,
    layers: str | None,
    device: torch.device,
    option: str = "--set-loss weights=FILE",
) -> PretrainedFeatures:
    """Build a network, load its weights, and return the feature maps of some of its layers.

    Args:
        network: a classifier of torchvision by name (`vgg16`), or `package.module:callable`, which returns an
            `nn.Module` when it is called without arguments.
        weights: a file with a state dict: safetensors, or a `torch.save` file that contains only tensors. Entries that
            no layer needs are not used. If None, torchvision's published weights (from its cache, or downloaded), or
            those the callable's module comes with.
        layers: names of submodules, with commas between. If None, the last output at each resolution, halved up to
            four times, is taken, without the classifier.
        device: where to compute.
        option: how a user names the file, for errors.

    Raises:
        InputError: there is no such network or layer, a layer gives no feature maps, or no weights are at hand.
    """
    file = None if weights is None else Path(weights).expanduser()
    stat = file.stat() if file is not None and file.exists() else None
    return _built(network, weights, layers, device, option, stat and (stat.st_mtime_ns, stat.st_size))


@lru_cache(maxsize=2)  # a process trains many classes, one after the other, with the same network
def _built(
    network: str,
    weights: str | None,
    layers: str | None,
    device: torch.device,
    option: str,
    stamp: tuple[int, int] | None,  # noqa: ARG001 (a file that was written anew is read anew)
) -> PretrainedFeatures:
    """Return the features; see `pretrained_features`."""
    with isolated():
        built = build_network(network, device)
        traced = trace(built, network)
        chosen = traced.feature_map_layers(layers) if layers else traced.default_layers()
        load_weights(built, traced.needed(traced.position_after(chosen)), network, weights, device, option)
    return PretrainedFeatures(built, chosen)
