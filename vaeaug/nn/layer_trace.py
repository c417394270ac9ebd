"""Which layers a network runs, in which order, and what they put out: to choose feature maps from."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from vaeaug.errors import InputError, nearest

PROBE = 64  # pixels a side of the image that tells the shapes of a network's layers
DEEPEST = 4  # halvings of the image that automatic layers go down to: as far as those of Zhang et al. 2018
# These give what the layer before them gave, with less of it.
IDLE = ("torch.nn.modules.dropout", "torch.nn.modules.padding", "torch.nn.modules.pooling")


class LayerTrace:
    """What a network did with the probe: which of its modules began, and which ended, in which order and shape."""

    def __init__(self, network: nn.Module) -> None:
        self.network = network
        self.begun: list[str] = []
        self.ended: list[tuple[str, tuple[int, ...]]] = []  # the shape is empty where the output is no tensor
        self.begun_before: list[int] = []  # for each that ended, how many had begun

    def once(self, name: str) -> bool:
        """Tell whether a module ran once, so that its name says which output is meant."""
        return self.begun.count(name) == 1

    def automatic(self, who: str) -> list[str]:
        """Return the last layer at each resolution, which never grows again, down to a sixteenth of the image."""
        outputs = self.ended[-1][1]
        classes = outputs[1] if len(outputs) == 2 else None
        best: dict[int, str] = {}
        deepest = 0
        for name, shape in self.ended[:-1]:  # without the network itself
            if len(shape) != 4 or shape[2] != shape[3] or shape[2] == 1:
                continue
            halvings = round(math.log2(PROBE / shape[2]))
            if halvings < deepest:
                continue
            deepest = halvings
            module = self.network.get_submodule(name)
            own = not isinstance(module, nn.Sequential) and type(module).__module__ not in IDLE
            if own and halvings <= DEEPEST and self.once(name) and shape[1] != classes:
                best[halvings] = name
        if not best:
            raise InputError(f"network {who} has no layers that give feature maps (B, F, h, w); name some: layers=...")
        return [name for name, _ in self.ended if name in best.values()]

    def named(self, layers: str, who: str) -> list[str]:
        """Return the layers a user names, in the order they are computed in."""
        names = [name.strip() for name in layers.split(",") if name.strip()]
        shapes = dict(self.ended[:-1])
        if not names:
            raise InputError(f"no layer of network {who} is named; {nearest('', shapes)}")
        for name in names:
            if name not in shapes:
                raise InputError(f"network {who} runs no layer {name!r}; {nearest(name, shapes)}")
            if len(shapes[name]) != 4:
                raise InputError(f"layer {name} of network {who} gives no feature maps (B, F, h, w); name another")
            if not self.once(name):
                raise InputError(f"layer {name} of network {who} is run more than once; name one that runs once")
        return [name for name, _ in self.ended if name in names]

    def needed(self, layers: Sequence[str]) -> set[str]:
        """Return the names of the tensors that are needed up to the last of `layers`."""
        ended = [name for name, _ in self.ended]
        last = ended.index(layers[-1])
        names = {f"{each}." for each in ended[: last + 1]}
        direct = set(self.begun[: self.begun_before[last]])
        return {
            key
            for key in tensors_of(self.network)
            if key.rpartition(".")[0] in direct or any(key.startswith(name) for name in names)
        }


def trace(network: nn.Module, who: str) -> LayerTrace:
    """Run a network on a small black image, or only on its shape where it has no weights yet."""
    traced = LayerTrace(network)
    hooks = []
    for name, module in network.named_modules():

        def begin(module: nn.Module, inputs: Any, name: str = name) -> None:  # noqa: ARG001 (a hook's signature)
            traced.begun.append(name)

        def end(module: nn.Module, inputs: Any, output: Any, name: str = name) -> None:  # noqa: ARG001
            traced.ended.append((name, tuple(output.shape) if isinstance(output, Tensor) else ()))
            traced.begun_before.append(len(traced.begun))

        hooks += [module.register_forward_pre_hook(begin), module.register_forward_hook(end)]
    device = next(iter(tensors_of(network).values()), torch.zeros(0)).device
    try:
        with torch.no_grad():
            network(torch.zeros(1, 3, PROBE, PROBE, device=device))
    except Exception as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"network {who} does not run on {PROBE}x{PROBE} images ({reason}); name another") from error
    finally:
        for hook in hooks:
            hook.remove()
    return traced


def tensors_of(network: nn.Module) -> dict[str, Tensor]:
    """Return the parameters and buffers by name, but for counters, which old files lack and nothing needs."""
    state: Mapping[str, Tensor] = network.state_dict(keep_vars=True)
    return {name: tensor for name, tensor in state.items() if not name.endswith("num_batches_tracked")}
