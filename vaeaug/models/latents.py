"""`latents.safetensors`: the encoded training set, which samplers are fitted to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from vaeaug.contracts import Latent, Latents, leaves
from vaeaug.errors import InputError
from vaeaug.models.tensor_file import write_tensors

FILE = "latents.safetensors"


@dataclass(frozen=True, slots=True)
class ClassLatents:
    """The latents of one class.

    Attributes:
        latents: modes, scales and labels, N images.
        sources: the `file_name` of each image in the dataset it was trained on.
        content_hash: `ImageCache.content_hash` of the class at training time, to detect images that changed since.
    """

    latents: Latents
    sources: tuple[str, ...]
    content_hash: str


def save_latents(path: Path, classes: Mapping[int, ClassLatents]) -> None:
    """Write the latents of all classes (by label) to one file, with the tree structure as metadata."""
    tensors: dict[str, Tensor] = {}
    sources: dict[str, list[str]] = {}
    content_hashes: dict[str, str] = {}
    structure: Any = None
    for label, entry in classes.items():
        structure = _structure(entry.latents.latent)
        sources[str(label)] = list(entry.sources)
        content_hashes[str(label)] = entry.content_hash
        for i, tensor in enumerate(leaves(entry.latents.latent)):
            tensors[f"{label}/latent/{i}"] = tensor.contiguous()
        if entry.latents.scale is not None:
            for i, tensor in enumerate(leaves(entry.latents.scale)):
                tensors[f"{label}/scale/{i}"] = tensor.contiguous()
    # One entry, because safetensors writes several in an order that changes from run to run.
    index = json.dumps({"structure": structure, "sources": sources, "listings": content_hashes}, ensure_ascii=False)
    write_tensors(path, tensors, {"index": index})


def load_latents(path: Path, label: int) -> ClassLatents:
    """Read the latents of one class.

    Raises:
        InputError: the file is missing, damaged, or has no such class.
    """
    try:
        with safe_open(path, framework="pt") as file:
            names = sorted(
                (name for name in file.keys() if name.startswith(f"{label}/")),  # noqa: SIM118 (no mapping)
                key=lambda name: int(name.rsplit("/", 1)[1]),
            )
            index = json.loads((file.metadata() or {})["index"])
            latent = [file.get_tensor(name) for name in names if "/latent/" in name]
            scale = [file.get_tensor(name) for name in names if "/scale/" in name]
        if not latent:
            raise InputError(f"{path} contains no latents of class number {label}; train the model again")
        structure, sources = index["structure"], tuple(index["sources"][str(label)])
        content_hash = str(index["listings"][str(label)])
        if {len(tensor) for tensor in (*latent, *scale)} != {len(sources)}:
            raise ValueError("its parts have different lengths")
        return ClassLatents(
            Latents(
                latent=_build(structure, latent[::-1]),
                labels_N=torch.full((len(sources),), label),
                scale=_build(structure, scale[::-1]) if scale else None,
            ),
            sources,
            content_hash,
        )
    except (OSError, SafetensorError, LookupError, TypeError, ValueError) as error:
        raise InputError(f"{path} cannot be read ({error}); train the model again") from None


def _structure(latent: Latent) -> Any:
    """Describe a tree in JSON: null for a tensor, a list for a tuple or list, an object for a dict."""
    if isinstance(latent, Tensor):
        return None
    if isinstance(latent, dict):
        return {key: _structure(value) for key, value in latent.items()}
    return [_structure(value) for value in latent]


def _build(structure: Any, tensors: list[Tensor]) -> Latent:
    """Build the tree back from its leaves, last one first; sequences come back as tuples."""
    if structure is None:
        return tensors.pop()
    if isinstance(structure, dict):
        return {key: _build(value, tensors) for key, value in structure.items()}
    return tuple(_build(value, tensors) for value in structure)
