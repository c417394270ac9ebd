"""Feature maps of some layers of a pretrained convolutional network, which is not saved with a model that uses it."""

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
    """A frozen network, run up to the deepest of the requested layers. Get one from `pretrained_features`."""

    def __init__(self, network: nn.Module, layers: Sequence[str]) -> None:
        self.layers = tuple(layers)
        self._network = network
        self._maps: list[Tensor] = []
        for name in layers:
            network.get_submodule(name).register_forward_hook(self._keep)

    def __call__(self, x_BCHW: Tensor) -> list[Tensor]:
        """Return the feature maps of the layers, (B, F, h, w) each; gradients reach only the images.

        Images have three channels, in the range that the network was trained on.
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
        network: a torchvision classifier (`vgg16`), or `package.module:callable`, called without arguments.
        weights: a state dict file; see `load_weights`.
        layers: submodule names separated by commas. By default the last output at each resolution, halved up to four
            times.
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
