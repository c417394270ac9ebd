"""The device to compute on, and the number of threads of torch."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from vaeaug.errors import InputError


def choose_device(name: str) -> torch.device:
    """Return the device that a user names; `auto` is a GPU if there is one.

    Raises:
        InputError: if there is no such device on this machine.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name.partition(":")[0] not in ("cpu", "cuda", "mps"):
        raise InputError(f"there is no device {name!r}; use --device auto, cpu, cuda, cuda:1, ... or mps")
    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).strip().splitlines()[0].rstrip(".")
        raise InputError(f"the device {name!r} cannot be used here ({reason}); use --device cpu or auto") from None
    return device


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute on one thread: other numbers of threads change the last bits, and do not make small networks faster."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
