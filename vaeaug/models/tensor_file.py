"""Writing safetensors files with the permissions of any other file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from safetensors.torch import save_file
from torch import Tensor


def write_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str] | None = None) -> None:
    """Write tensors to a safetensors file with the permissions of the umask; safetensors makes it owner-only.

    Args:
        tensors: name -> contiguous tensor; none share memory.
        metadata: name -> text, kept in the file's header.
    """
    path.touch()
    mode = path.stat().st_mode
    save_file(dict(tensors), path, None if metadata is None else dict(metadata))
    path.chmod(mode)
