"""A variant and its loss, built together and kept in one safetensors file."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from vaeaug.contracts import ImageSpec, ReconstructionLoss, Variant, parse_options
from vaeaug.errors import InputError
from vaeaug.models.tensor_file import write_tensors
from vaeaug.seeds import seed_of


@dataclass(frozen=True, slots=True)
class Network:
    """A variant with the loss it is trained by."""

    variant: Variant
    loss: ReconstructionLoss

    def to(self, device: torch.device) -> Network:
        """Move both to a device."""
        return Network(self.variant.to(device), self.loss.to(device))

    def eval(self) -> Network:
        """Put both into eval mode."""
        self.variant.eval()
        self.loss.eval()
        return self

    def save(self, path: Path) -> None:
        """Write the weights of both to a safetensors file."""
        tensors = {f"variant.{name}": t for name, t in self.variant.state_dict().items()}
        tensors |= {f"loss.{name}": t for name, t in self.loss.state_dict().items()}
        # Cloned, because safetensors refuses tensors that share memory, as tied weights do.
        write_tensors(path, {name: t.detach().cpu().contiguous().clone() for name, t in tensors.items()})

    def load(self, path: Path) -> None:
        """Read weights that `save` wrote.

        Raises:
            InputError: if the file is missing or damaged, or belongs to a network of another shape.
        """
        try:
            tensors = load_file(path)
        except (OSError, SafetensorError) as error:
            raise InputError(f"{path} cannot be read ({error}); train the model again") from None
        for prefix, module in (("variant.", self.variant), ("loss.", self.loss)):
            part = {name.removeprefix(prefix): t for name, t in tensors.items() if name.startswith(prefix)}
            try:
                module.load_state_dict(part)
            except RuntimeError as error:
                reason = " ".join(str(error).split())
                raise InputError(
                    f"{path} does not fit the installed plugin ({reason[:200]}); install the plugin version that "
                    "model.json names, or train the model again"
                ) from None


def build_network(
    variant: type[Variant],
    variant_options: dict[str, Any],
    loss: type[ReconstructionLoss],
    loss_options: dict[str, Any],
    spec: ImageSpec,
    seed: int,
) -> Network:
    """Build a compatible variant and loss, with initial weights that depend only on `seed`.

    Args:
        variant_options: option -> value, possibly as text; `loss_options` likewise.
        spec: the images; `raw_channels` is filled in from the loss.

    Raises:
        InputError: if an option is unknown or out of range.
    """
    loss_config = parse_options(loss.Config, loss_options, f"loss '{loss.name}'")
    config = parse_options(variant.Config, variant_options, f"variant '{variant.name}'")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_of(seed, "weights"))
        built_loss = loss(spec, loss_config)
        spec = dataclasses.replace(spec, raw_channels=built_loss.raw_channels(spec.channels))
        return Network(variant(spec, config), built_loss)
