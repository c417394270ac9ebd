"""Which layers a network runs, in which order, and what they are given and give: to choose features from."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from vaeaug.errors import InputError, nearest

PROBE_SIDE = 64  # pixels a side of the image that tells the shapes of a network's layers
MAX_HALVINGS = 4  # halvings of the image that automatic layers go down to: as far as those of Zhang et al. 2018
# These give what the layer before them gave, with less of it.
PASSIVE_MODULES = ("torch.nn.modules.dropout", "torch.nn.modules.padding", "torch.nn.modules.pooling")

Shape = tuple[int, ...]


class ImageSizeError(InputError):
    """A network does not run on images of some size."""


@dataclass(frozen=True, slots=True)
class Event:
    """The start or end of a module, and the shape of its first input or its output; empty if that is not a tensor."""

    name: str
    ended: bool
    shape: Shape
    kind: str


class LayerTrace:
    """What a network did with the probe: `events` lists the modules that began and ended; the network ends last."""

    def __init__(self, network: nn.Module, network_name: str, side: int) -> None:
        self.network = network
        self.network_name = network_name
        self.side = side
        self.events: list[Event] = []

    def outputs(self) -> list[tuple[str, Shape]]:
        """Return the modules that ended, without the network itself, and the shapes of what they gave."""
        return [(event.name, event.shape) for event in self.events[:-1] if event.ended]

    def runs_once(self, name: str) -> bool:
        """Return whether a module ran once, so that its name identifies the output."""
        return sum(event.name == name and not event.ended for event in self.events) == 1

    def default_layers(self) -> list[str]:
        """Return the last layer at each resolution, which never grows again, down to a sixteenth of the image."""
        outputs = self.events[-1].shape
        classes = outputs[1] if len(outputs) == 2 else None
        best: dict[int, str] = {}
        deepest = 0
        for name, shape in self.outputs():
            if not _is_map(shape) or shape[2] == 1:
                continue
            halvings = round(math.log2(self.side / shape[2]))
            if halvings < deepest:
                continue
            deepest = halvings
            module = self.network.get_submodule(name)
            own = not isinstance(module, nn.Sequential) and type(module).__module__ not in PASSIVE_MODULES
            if own and halvings <= MAX_HALVINGS and self.runs_once(name) and shape[1] != classes:
                best[halvings] = name
        if not best:
            raise InputError(
                f"network {self.network_name} has no layers that give feature maps (B, F, h, w); name some: layers=..."
            )
        return [name for name, _ in self.outputs() if name in best.values()]

    def feature_map_layers(self, layers: str) -> list[str]:
        """Return the layers that a user names, separated by commas, in the order of computation."""
        names = [name.strip() for name in layers.split(",") if name.strip()]
        if not names:
            raise InputError(f"no layer of network {self.network_name} is named; {nearest('', dict(self.outputs()))}")
        for name in names:
            shape = self.shape_of(name)
            if not _is_map(shape):
                gives = f"{shape} and " if shape else ""
                raise InputError(
                    f"layer {name} of network {self.network_name} gives {gives}no feature maps (B, F, h, w); "
                    "name another"
                )
        return [name for name, _ in self.outputs() if name in names]

    def shape_of(self, name: str) -> Shape:
        """Return the shape of a layer's output; empty if it is not a tensor."""
        shapes = dict(self.outputs())
        if name not in shapes:
            raise InputError(f"network {self.network_name} has no layer {name!r}; {nearest(name, shapes)}")
        if not self.runs_once(name):
            raise InputError(
                f"layer {name} of network {self.network_name} is run more than once; name one that runs once"
            )
        return shapes[name]

    def needed(self, position: int) -> set[str]:
        """Return the names of the tensors needed for the events before a position."""
        before = self.events[:position]
        whole = tuple(f"{event.name}." if event.name else "" for event in before if event.ended)
        direct = {event.name for event in before}
        return {key for key in tensors_of(self.network) if key.rpartition(".")[0] in direct or key.startswith(whole)}

    def position_after(self, layers: Sequence[str]) -> int:
        """Return the position at which the last of some layers has ended."""
        return max(position for position, event in enumerate(self.events) if event.ended and event.name in layers) + 1


def trace(network: nn.Module, network_name: str, side: int = PROBE_SIDE) -> LayerTrace:
    """Run a network on a small black image, or only on its shape if it has no weights yet."""
    traced = LayerTrace(network, network_name, side)
    hooks = []
    for name, module in network.named_modules():

        def begin(module: nn.Module, inputs: Any, name: str = name) -> None:  # noqa: ARG001 (a hook's signature)
            traced.events.append(_event(name, inputs[0] if inputs else None, ended=False))

        def end(module: nn.Module, inputs: Any, output: Any, name: str = name) -> None:  # noqa: ARG001
            traced.events.append(_event(name, output, ended=True))

        hooks += [module.register_forward_pre_hook(begin), module.register_forward_hook(end)]
    device = next(iter(tensors_of(network).values()), torch.zeros(0)).device
    try:
        with torch.no_grad():
            network(torch.zeros(1, 3, side, side, device=device))
    except Exception as error:
        reason = " ".join(str(error).split())[:200]
        raise ImageSizeError(
            f"network {network_name} does not run on {side}x{side} images ({reason}); name another"
        ) from error
    finally:
        for hook in hooks:
            hook.remove()
    return traced


def tensors_of(network: nn.Module) -> dict[str, Tensor]:
    """Return the parameters and buffers by name, except for counters, which old files lack and nothing needs."""
    state: Mapping[str, Tensor] = network.state_dict(keep_vars=True)
    return {name: tensor for name, tensor in state.items() if not name.endswith("num_batches_tracked")}


def _is_map(shape: Shape) -> bool:
    """Return whether an output has features before positions, (B, F, h, w): maps of a square image are square."""
    return len(shape) == 4 and shape[0] == 1 and shape[2] == shape[3]


def _event(name: str, value: Any, *, ended: bool) -> Event:
    shape = tuple(value.shape) if isinstance(value, Tensor) else ()
    return Event(name, ended, shape, type(value).__name__)
