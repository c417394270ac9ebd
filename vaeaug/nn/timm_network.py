"""Networks of timm, which is an optional dependency, and their published weights."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from torch import Tensor, nn

from vaeaug.errors import InputError, nearest


def build_timm(name: str) -> nn.Module:
    """Build a network of timm with random weights.

    Args:
        name: an architecture, or an architecture and the tag of its weights: `resnet18`, `resnet18.a1_in1k`.

    Raises:
        InputError: if timm is not installed, or if it has no such network.
    """
    timm = _timm()
    architecture, _, tag = name.partition(".")
    if not timm.is_model(architecture):  # timm would also read hf-hub:... and local-dir:...
        names = timm.list_models()
        raise InputError(f"timm has no network {architecture!r}; {nearest(architecture, names)}")
    try:
        network: nn.Module = timm.create_model(name, pretrained=False)
    except Exception as error:  # some architectures need other packages, and each has errors of its own
        tags = timm.list_pretrained(f"{architecture}.*") if tag else []
        remedy = f"use one of {', '.join(tags)}" if tags else "use another network"
        raise InputError(f"timm cannot build {name} ({_one_line(error)}); {remedy}") from error
    return network


def published_timm(name: str, option: str) -> dict[str, Tensor]:
    """Return the published weights of a network, from the cache of Hugging Face or downloaded.

    Args:
        option: how the user names a file instead, for the message.

    Raises:
        InputError: if there are none, or if they cannot be downloaded.
    """
    try:
        network = _timm().create_model(name, pretrained=True)
    except Exception as error:  # of timm, of huggingface_hub, of its HTTP client, or of the disk
        raise InputError(
            f"the weights of timm:{name} are not on this machine and cannot be downloaded ({_one_line(error)}); save "
            f"its state dict on a machine with a connection, and name the file: {option}"
        ) from error
    state: dict[str, Tensor] = network.state_dict()
    return state


def timm_data_config(network: nn.Module) -> dict[str, Any]:
    """Return `input_size` (C, H, W), `mean` and `std` of the images that a network of timm was trained on."""
    return dict(_timm().data.resolve_model_data_config(network))


def _timm() -> ModuleType:
    try:
        import timm  # noqa: PLC0415 (an optional dependency, which costs seconds)
    except ImportError as error:
        raise InputError(f"timm cannot be imported ({error}); install it with pip install 'vaeaug[timm]'") from error
    return timm


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200].rstrip(".")
