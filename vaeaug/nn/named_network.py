"""Networks that a user names, and their weights.

All options that name a network have this grammar:

NAME  or  torchvision:NAME      a classifier of torchvision, such as `resnet18`
timm:NAME                       a network of timm, such as `timm:resnet18.a1_in1k`
package.module:callable         anything else; the callable is called without arguments
"""

from __future__ import annotations

import contextlib
import importlib
import sys
import warnings
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from vaeaug.errors import InputError, nearest
from vaeaug.nn.layer_trace import tensors_of
from vaeaug.nn.timm_network import build_timm, published_timm

TORCHVISION, TIMM, CALLABLE = "torchvision", "timm", "callable"

RANDOM = "random"
"""In place of a weights file: random weights, as the library initializes them."""


def split_network_name(name: str) -> tuple[str, str]:
    """Return where a network is from (`TORCHVISION`, `TIMM` or `CALLABLE`), and its name there."""
    library, colon, rest = name.partition(":")
    if not colon:
        return TORCHVISION, name
    return (library, rest) if library in (TORCHVISION, TIMM) else (CALLABLE, name)


@contextlib.contextmanager
def isolated() -> Iterator[None]:
    """Build and load networks without changing the global random state or printing to stdout."""
    with torch.random.fork_rng(devices=[]), contextlib.redirect_stdout(sys.stderr):
        yield


def build_network(name: str, device: torch.device, *, initialize: bool = False) -> nn.Module:
    """Build a network in eval mode.

    Args:
        name: see the grammar above.
        initialize: whether a torchvision network has random weights; otherwise it takes no memory until its weights are
            loaded.
    """
    library, rest = split_network_name(name)
    if library == TORCHVISION:
        network = _torchvision(rest, initialize=initialize)
    else:
        network = build_timm(rest) if library == TIMM else _imported(rest)
    network.eval()
    if not any(tensor.is_meta for tensor in tensors_of(network).values()):
        network.to(device)
    for module in network.modules():
        if getattr(module, "inplace", False):
            module.inplace = False  # type: ignore[assignment] # else the next layer overwrites a layer's output
    return network


def load_weights(
    network: nn.Module, needed: set[str], name: str, weights: str | None, device: torch.device, option: str
) -> None:
    """Load weights into a network and freeze it; tensors that are not needed take no memory.

    Args:
        weights: a state dict file: safetensors, or `torch.save` of tensors. By default the published weights of
            torchvision or timm (cached or downloaded), or those of the callable.
    """
    library, rest = split_network_name(name)
    if weights is not None:
        _load(network, _read(Path(weights).expanduser(), option), needed, weights, name, device)
    elif library != CALLABLE:
        state = _download(rest, option) if library == TORCHVISION else published_timm(rest, option)
        _load(network, state, needed, "the published file", name, device)
    network.requires_grad_(False)


def _torchvision(name: str, *, initialize: bool) -> nn.Module:
    """Build a classifier of torchvision, with random weights or without any."""
    from torchvision import models  # noqa: PLC0415 (costs a second, which nobody else needs to wait)

    names = models.list_models(module=models)
    if name not in names:
        raise InputError(
            f"torchvision has no network {name!r}; {nearest(name, names)}; or write package.module:callable"
        )
    if initialize:
        initialized: nn.Module = models.get_model(name, weights=None)
        return initialized
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
        raise InputError(f"network {path} returns a {type(network).__name__}; it must return a torch.nn.Module")
    return network


def _read(path: Path, option: str) -> dict[str, Tensor]:
    """Read a state dict. Nothing in a file is run."""
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        with warnings.catch_warnings(action="ignore"):  # about files that then cannot be read
            state = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise InputError(f"the weights file {path} does not exist; name a state dict file: {option}") from None
    except Exception as error:  # a file may hold anything, and each reader has errors of its own
        reason = str(error).split(". ")[0]  # what follows is advice to programmers
        reason = reason if " " in reason else "unknown file format"  # of a text file, an unpickler reports one byte
        raise InputError(
            f"{path} cannot be read as a state dict ({reason}); write one with safetensors.torch.save_file"
        ) from error
    if not isinstance(state, dict) or not all(
        isinstance(key, str) and isinstance(value, Tensor) for key, value in state.items()
    ):
        raise InputError(f"{path} is not a state dict (names and tensors only); write one with torch.save")
    return state


def _download(name: str, option: str) -> dict[str, Tensor]:
    from torchvision import models  # noqa: PLC0415 (as above)

    published = models.get_model_weights(name).DEFAULT
    try:
        state: dict[str, Tensor] = published.get_state_dict(
            progress=False, check_hash=True, weights_only=True, map_location="cpu"
        )
    except (OSError, RuntimeError) as error:  # no connection, no space, or a damaged file
        reason = " ".join(str(error).split())
        raise InputError(
            f"the weights of {name} are not on this machine and cannot be downloaded ({reason}); download "
            f"{published.url} on a machine with a connection, and name the file: {option}"
        ) from error
    return state


def _load(
    network: nn.Module, state: dict[str, Tensor], needed: set[str], file: str, network_name: str, device: torch.device
) -> None:
    tensors = {name: tensor for name, tensor in tensors_of(network).items() if name in needed}
    mismatched = [name for name, tensor in tensors.items() if name not in state or not _fits(state[name], tensor)]
    if mismatched:
        has = f"it has {', '.join(list(state)[:3])}, ..." if state else "it is empty"
        raise InputError(
            f"{file} does not fit network {network_name}: {len(mismatched)} of {len(needed)} tensors are missing or of "
            f"another shape or type, such as {mismatched[0]} ({has}); use the weights of this network"
        )
    chosen = OrderedDict((name, _on_device(state[name], device)) for name in tensors)
    # Versions of the entries, without which MNASNet takes none; safetensors has no place for them.
    chosen._metadata = network.state_dict()._metadata  # type: ignore[attr-defined]
    network.load_state_dict(chosen, strict=False, assign=True)


def _fits(tensor: Tensor, other: Tensor) -> bool:
    """Return whether a tensor has the shape and kind (dense, real, integer) of another one, in any precision."""
    return tensor.shape == other.shape and tensor.layout == other.layout and _kind(tensor) == _kind(other)


def _kind(tensor: Tensor) -> tuple[bool, bool]:
    return tensor.is_floating_point(), tensor.is_complex()


def _on_device(tensor: Tensor, device: torch.device) -> Tensor:
    """Return a tensor on the device, in full precision if it is no index."""
    return tensor.to(device, torch.float32) if tensor.is_floating_point() else tensor.to(device)
