"""Feature maps of a pretrained convolutional network: what some of its layers put out.

Networks are torchvision's, by name, or what any callable returns. Weights are torchvision's, or a state dict. Nothing
here is part of a module's parameters or state dict: a model that was trained with it is used without it.
"""

from __future__ import annotations

import contextlib
import importlib
import sys
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from vaeaug.errors import InputError, nearest
from vaeaug.nn.layer_trace import tensors_of, trace


class PretrainedFeatures:
    """A frozen network, run up to the deepest of the layers that are asked for. Get one from `pretrained_features`.

    It is no `nn.Module`, so that an attribute of a module may hold it without its weights being saved.

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
    """All layers that were asked for are computed."""


def pretrained_features(
    network: str,
    weights: str | None,
    layers: str | None,
    device: torch.device,
    option: str = "--set-loss weights=FILE",
) -> PretrainedFeatures:
    """Build a network, load its weights, and return the features of some of its layers.

    Args:
        network: a classifier of torchvision by name (`vgg16`), or `package.module:callable`, which returns an
            `nn.Module` when it is called without arguments.
        weights: a file with a state dict: safetensors, or what `torch.save` wrote of tensors alone. Entries that no
            layer needs are passed over. If None, torchvision's published weights (from its cache, or downloaded), or
            those the callable's module comes with.
        layers: names of submodules, with commas between. If None, the last output at each resolution, halved up to
            four times, is taken, without the classifier.
        device: where to compute.
        option: how a user names the file, for errors.

    Raises:
        InputError: there is no such network or layer, or no weights for it are at hand.
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
    # Networks draw their first weights from the global state, and they and torch.hub print.
    with torch.random.fork_rng(devices=[]), contextlib.redirect_stdout(sys.stderr):
        built = _imported(network) if ":" in network else _of_torchvision(network)
        built.eval()
        if not any(tensor.is_meta for tensor in tensors_of(built).values()):
            built.to(device)
        for module in built.modules():
            if getattr(module, "inplace", False):
                module.inplace = False  # type: ignore[assignment] # else the next layer overwrites a layer's output
        traced = trace(built, network)
        chosen = traced.named(layers, network) if layers else traced.automatic(network)
        if weights is not None:
            _load(built, _read(Path(weights).expanduser(), option), traced.needed(chosen), weights, network, device)
        elif ":" not in network:
            _load(built, _download(network, option), traced.needed(chosen), "the published file", network, device)
    built.requires_grad_(False)
    return PretrainedFeatures(built, chosen)


def _of_torchvision(name: str) -> nn.Module:
    """Build a classifier of torchvision without weights."""
    from torchvision import models  # noqa: PLC0415 (costs a second, which nobody else needs to wait)

    names = models.list_models(module=models)
    if name not in names:
        raise InputError(
            f"torchvision has no network {name!r}; {nearest(name, names)}; or write package.module:callable"
        )
    try:
        with torch.device("meta"):  # a classifier's head, which may be most of it, never takes memory
            network: nn.Module = models.get_model(name, weights=None)
    except NotImplementedError:  # it computes its shape with tensors
        network = models.get_model(name, weights=None)
    return network


def _imported(path: str) -> nn.Module:
    """Import and call `package.module:callable`: without arguments, for a model's file names it and is only data."""
    module, _, attribute = path.partition(":")
    try:
        found: Any = importlib.import_module(module)
        for part in attribute.split("."):
            found = getattr(found, part)
        network = found()
    except ImportError as error:
        raise InputError(f"network {path}: {error}; install it, or put its folder on PYTHONPATH") from error
    except Exception as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise InputError(f"network {path} cannot be built ({reason}); name a callable without arguments") from error
    if not isinstance(network, nn.Module):
        raise InputError(f"network {path} gives a {type(network).__name__}; it must return a torch.nn.Module")
    return network


def _read(path: Path, option: str) -> dict[str, Tensor]:
    """Read a state dict. Nothing in a file is run."""
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        state = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise InputError(f"there are no weights {path}; name the file of a state dict: {option}") from None
    except Exception as error:  # a file may hold anything, and each reader has errors of its own
        reason = str(error).split(". ")[0]  # what follows is advice to programmers
        raise InputError(
            f"{path} cannot be read as a state dict ({reason}); write one with safetensors.torch.save_file"
        ) from error
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
        raise InputError(f"{path} holds no state dict, names and tensors alone; write one with torch.save")
    return state


def _download(name: str, option: str) -> dict[str, Tensor]:
    """Return the published weights of a network of torchvision, from the cache of `torch.hub` or from the network."""
    from torchvision import models  # noqa: PLC0415 (as above)

    published = models.get_model_weights(name).DEFAULT
    try:
        state: dict[str, Tensor] = published.get_state_dict(
            progress=False, check_hash=True, weights_only=True, map_location="cpu"
        )
    except (OSError, RuntimeError) as error:  # no connection, no space, or a damaged file
        reason = " ".join(str(error).split())
        raise InputError(
            f"no weights for {name} are at hand, and they cannot be downloaded ({reason}); get {published.url} where "
            f"there is a connection, and name the file: {option}"
        ) from error
    return state


def _load(
    network: nn.Module, state: Mapping[str, Tensor], needed: set[str], file: str, who: str, device: torch.device
) -> None:
    """Put the needed entries of a state dict into a network; what is not needed stays as it is, without memory.

    Raises:
        InputError: one is missing, or has another shape.
    """
    shapes = {name: tensor.shape for name, tensor in tensors_of(network).items() if name in needed}
    unfit = [name for name, shape in shapes.items() if name not in state or state[name].shape != shape]
    if unfit:
        has = f"it has {', '.join(list(state)[:3])}, ..." if state else "it is empty"
        raise InputError(
            f"{file} does not fit network {who}: {len(unfit)} of {len(needed)} tensors are missing or of "
            f"another shape, such as {unfit[0]} ({has}); name the weights of this very network"
        )
    chosen = {name: state[name].to(device, torch.float32) for name in shapes}
    network.load_state_dict(chosen, strict=False, assign=True)
