"""Features of whole images by a pretrained network, convolutional or transformer: one vector per image.

For a classifier of torchvision or timm it is the input of the last layer, as in FID with Inception (Heusel et al.
2017); for a vision transformer this is the class token. For any other network it is the output of its module: DINOv2
returns the normalized class token (Oquab et al. 2023). A layer may be named instead. Feature maps (B, F, h, w) or (B,
h, w, F) are averaged over positions and tokens (B, T, D) over all tokens, including the class token, because its index
cannot be inferred from the shape.
"""

from __future__ import annotations

import contextlib
import copy
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from vaeaug.errors import InputError
from vaeaug.nn.layer_trace import Event, LayerTrace, Shape, tensors_of, trace
from vaeaug.nn.named_network import CALLABLE, RANDOM, build_network, isolated, load_weights, split_network_name


@dataclass(frozen=True, slots=True)
class _Tap:
    """An output of a network: the input of a module where it begins, or its output where it ends."""

    description: str
    position: int
    event: Event
    mean_over: tuple[int, ...]


class PretrainedVectors:
    """A frozen network, run as far as needed. Get one from `pretrained_vectors`.

    Attributes:
        network: the whole network; tensors that are not needed are on the meta device.
        description: which output the vectors are.
        width: D.
    """

    def __init__(self, network: nn.Module, tap: _Tap) -> None:
        self.network = network
        self.description = tap.description
        self.width = next(
            size for position, size in enumerate(tap.event.shape) if position and position not in tap.mean_over
        )
        self._mean_over = tap.mean_over
        self._kept: list[Tensor] = []
        module = network.get_submodule(tap.event.name)
        if tap.event.ended:
            module.register_forward_hook(lambda _module, _inputs, output: self._keep(output))
        else:
            module.register_forward_pre_hook(lambda _module, inputs: self._keep(inputs[0]))

    def __call__(self, x_BCHW: Tensor) -> Tensor:
        """Return one vector per image, (B, D). Images have three channels, in the network's own range and size."""
        with contextlib.suppress(_TapReached):
            self.network(x_BCHW)
        kept = self._kept.pop()
        return kept.mean(dim=self._mean_over) if self._mean_over else kept

    def _keep(self, output: Any) -> None:
        self._kept.append(output)
        raise _TapReached


class _TapReached(Exception):  # noqa: N818 (no error: it ends a network's pass, for which torch has no other way)
    """The requested output is computed."""


def pretrained_vectors(
    network: str,
    weights: str | None,
    layer: str | None,
    side: int,
    device: torch.device,
    option: str,
    *,
    trainable: bool = False,
) -> PretrainedVectors:
    """Build a network, load its weights, and return a function from images to feature vectors.

    Args:
        network: see `vaeaug.nn.named_network`.
        weights: a state dict file; the published or the callable's own weights if None, random ones if `RANDOM`.
        layer: a submodule that gives vectors, tokens or feature maps; see the module docstring for the default.
        side: pixels per side of the images.
        option: how the user names a weights file, for messages.
        trainable: whether gradients reach the weights, in a copy of the network; otherwise it is frozen.
    """
    with isolated():
        built = build_network(network, device, initialize=weights == RANDOM)
        if trainable:
            built = copy.deepcopy(built)  # a callable may return the same module each time
        traced = trace(built, network, side)
        if layer:
            tap = _tap_layer(traced, layer)
        elif split_network_name(network)[0] != CALLABLE and getattr(built, "num_classes", None) != 0:
            tap = _tap_classifier_input(traced)
        else:
            tap = _tap_output(traced)
        end = tap.position + 1 if tap.event.ended else tap.position
        needed = traced.needed(end)
        if weights != RANDOM:
            load_weights(built, needed, network, weights, device, option)
    for name, parameter in built.named_parameters():
        parameter.requires_grad_(trainable and name in needed)
    return PretrainedVectors(built, tap)


def _tap_layer(traced: LayerTrace, layer: str) -> _Tap:
    traced.shape_of(layer)  # refuses names that say nothing
    position = next(position for position, event in enumerate(traced.events) if event.ended and event.name == layer)
    return _tap(
        traced, position, f"layer {layer}", f"layer {layer} of network {traced.network_name} gives", "name another"
    )


def _tap_classifier_input(traced: LayerTrace) -> _Tap:
    """Return the input of the last layer that has weights, which computes the logits."""
    starts = [position for position, event in enumerate(traced.events) if not event.ended and event.name]
    position = next(position for position in reversed(starts) if _has_weights(traced, traced.events[position].name))
    layer = traced.events[position].name
    return _tap(
        traced,
        position,
        "what its last layer is given",
        f"layer {layer} of network {traced.network_name} is given",
        _layer_hint(traced),
    )


def _tap_output(traced: LayerTrace) -> _Tap:
    position = len(traced.events) - 1
    return _tap(traced, position, "what it returns", f"network {traced.network_name} gives", _layer_hint(traced))


def _has_weights(traced: LayerTrace, name: str) -> bool:
    return any(key.rpartition(".")[0] == name for key in tensors_of(traced.network))


def _layer_hint(traced: LayerTrace) -> str:
    usable = [name for name, shape in traced.outputs() if _mean_over(shape) is not None and traced.runs_once(name)]
    return f"name a layer that does, such as {usable[-1]}" if usable else "name another network"


def _tap(traced: LayerTrace, position: int, description: str, subject: str, remedy: str) -> _Tap:
    """Return the tap at an event."""
    event = traced.events[position]
    found = _mean_over(event.shape)
    if found is None:
        what = str(event.shape) if event.shape else f"a {event.kind}"
        raise InputError(f"{subject} {what}, not vectors (B, D), tokens (B, T, D) or maps (B, F, h, w); {remedy}")
    mean_over, kind = found
    return _Tap(f"{description}, mean over {kind}" if kind else description, position, event, mean_over)


def _mean_over(shape: Shape) -> tuple[tuple[int, ...], str] | None:
    """Return which dimensions of an output are averaged, and what they are; None if it is not usable."""
    if len(shape) not in (2, 3, 4) or shape[0] != 1:
        return None
    if len(shape) == 2:
        return (), ""
    if len(shape) == 3:
        return (1,), "tokens"
    if shape[2] == shape[3]:
        return (2, 3), "places"
    return ((1, 2), "places") if shape[1] == shape[2] else None
