"""What the checks share: images, building a plugin, perturbing it, comparing latents, saving and loading."""

from __future__ import annotations

import dataclasses
import random
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from vaeaug.contracts import ImageSpec, Latent, leaves, parse_options
from vaeaug.contracts.declaration import declaration_fault
from vaeaug.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SPECS = (
    ImageSpec(channels=1, height=28, width=28, num_classes=3),
    ImageSpec(channels=3, height=32, width=32, num_classes=4),
    ImageSpec(channels=3, height=13, width=9, num_classes=2),  # odd, and not square
    ImageSpec(channels=1, height=8, width=8, num_classes=1),  # the smallest, of one class
)
"""The images every plugin must work on."""

M = TypeVar("M", bound=nn.Module)


def check_declaration(kind: str, cls: type) -> None:
    """Check what needs no instance: what the host checks, and that each option has a line of help."""
    assert isinstance(cls, type), f"{cls!r} is not a class; return the class from the hook, not an instance of it"
    fault = declaration_fault(kind, cls)
    assert fault is None, f"{cls.__name__} {fault}"
    for field in dataclasses.fields(cls.Config):  # type: ignore[attr-defined]
        assert field.metadata.get("help"), f"{cls.__name__}: declare {field.name} with vaeaug.option(default, help)"
    try:
        parse_options(cls.Config, vars(cls).get("small_options", {}), cls.__name__)  # type: ignore[attr-defined]
    except InputError as error:
        raise AssertionError(f"{error}; correct small_options") from error


def build(cls: type[M], spec: ImageSpec, options: Mapping[str, Any], seed: int = 0) -> M:
    """Build a plugin from text-like options, as the host does, without disturbing the global random state."""
    config = parse_options(cls.Config, options, f"{cls.__name__}")  # type: ignore[attr-defined]
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)  # torch.manual_seed takes milliseconds, and seeds devices too
        return cls(spec, config)


def structure(latent: Latent) -> Any:
    """Return a latent's structure without the batch as nested plain values, for comparison."""
    if isinstance(latent, Tensor):
        return latent.dtype, tuple(latent.shape[1:])
    if isinstance(latent, dict):
        return {key: structure(value) for key, value in latent.items()}
    return type(latent).__name__, [structure(value) for value in latent]


def is_equal(a: Latent, b: Latent) -> bool:
    """Return whether two latents of one structure have the same values."""
    return all(torch.equal(first, second) for first, second in zip(leaves(a), leaves(b), strict=True))


def perturbed(module: M, scale: float = 0.05) -> M:
    """Add noise to every parameter, so that a layer that starts at zero does not hide what follows it."""
    generator = seeded(7)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator), alpha=scale)
    return module


def seeded(seed: int) -> torch.Generator:
    """Return a CPU generator with that seed."""
    return torch.Generator().manual_seed(seed)


def images(spec: ImageSpec, count: int, seed: int = 1) -> tuple[Tensor, Tensor]:
    """Return smooth random images in [0, 1], (B, C, H, W), and labels that run through the classes, (B,)."""
    coarse = torch.rand((count, spec.channels, 4, 4), generator=seeded(seed))
    x_BCHW = nn.functional.interpolate(coarse, size=(spec.height, spec.width), mode="bilinear")
    return x_BCHW, torch.arange(count) % spec.num_classes


def is_close(a: Tensor, b: Tensor, tolerance: float = 1e-3) -> bool:
    """Return whether two tensors agree up to the floating-point error of different batch sizes."""
    if a.shape != b.shape:
        return False
    if not a.is_floating_point():
        return torch.equal(a, b)
    return bool((a - b).abs().max() <= tolerance * (1 + a.abs().max())) if a.numel() else True


@contextmanager
def global_randomness_untouched(what: str) -> Iterator[None]:
    """Fail if the body draws from a global random state: torch's, NumPy's or Python's."""
    before = torch.get_rng_state(), np.random.get_state(), random.getstate()
    yield
    remedy = "draw with the generator that is handed in (torch.randn(..., generator=generator))"
    assert torch.equal(before[0], torch.get_rng_state()), f"{what} drew from torch's global random state; {remedy}"
    after = np.random.get_state()
    same = all(np.array_equal(a, b) for a, b in zip(before[1], after, strict=True))
    assert same, f"{what} drew from NumPy's global random state; {remedy}"
    assert before[2] == random.getstate(), f"{what} drew from Python's global random state; {remedy}"


def reload_into(source: M, target: M, case_name: str) -> M:
    """Save `source` as safetensors, load that into `target` as the host does, and return it."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "weights.safetensors"
        save_file({key: value.detach().clone().contiguous() for key, value in source.state_dict().items()}, path)
        try:
            target.load_state_dict(load_file(path))
        except RuntimeError as error:
            raise AssertionError(
                f"{case_name}: saved weights do not load into a new instance; register every buffer in __init__ with "
                f"its final name and shape, those that fit_prior or training fills too ({error})"
            ) from error
    return target.eval()
