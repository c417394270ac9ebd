"""The whole state of a training, as tensors and JSON: to roll back to in memory, or to resume from on disk."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor, nn

from vaeaug.contracts import ReconstructionLoss, Variant
from vaeaug.disk import write_atomic
from vaeaug.nn.adamw import AdamW


@dataclass
class TrainingProgress:
    """The state of a training except for tensors.

    Attributes:
        elapsed: seconds spent, including earlier runs.
        rate_factor: factor of the learning rate; halved at each rollback.
        rollbacks: number of returns to an earlier state after a NaN.
        gradient_norms: running average by parameter group.
        best_loss: smallest validation loss so far.
        bad_checks: validations since then.
        history: one row per validation.
        done: why the training is over, or None.
    """

    step: int = 0
    elapsed: float = 0.0
    rate_factor: float = 1.0
    rollbacks: int = 0
    gradient_norms: dict[str, float] = field(default_factory=dict)
    best_loss: float | None = None
    best_step: int = 0
    bad_checks: int = 0
    history: list[dict[str, Any]] = field(default_factory=list)
    done: str | None = None


@dataclass
class TrainingState:
    """The live objects of a training; `snapshot` copies them and `restore` puts a copy back, bit for bit.

    Attributes:
        average: moving average of the variant's parameters.
        best: the weights to keep, named as in `weights`.
    """

    variant: Variant
    loss: ReconstructionLoss
    optimizers: Mapping[str, AdamW]
    average: list[Tensor]
    best: dict[str, Tensor]
    progress: TrainingProgress

    @property
    def modules(self) -> dict[str, nn.Module]:
        """The variant and the loss by name."""
        return {"variant": self.variant, "loss": self.loss}

    def weights(self) -> dict[str, Tensor]:
        """Return the current parameters and buffers of variant and loss, by dotted name (not copied)."""
        return {
            f"{prefix}.{name}": tensor
            for prefix, module in self.modules.items()
            for name, tensor in module.state_dict().items()
        }

    def load_weights(self, weights: Mapping[str, Tensor]) -> None:
        """Load weights, named as in `weights`, into variant and loss."""
        for prefix, module in self.modules.items():
            module.load_state_dict(_without_prefix(weights, f"{prefix}."))

    def load_average(self) -> None:
        """Put the moving average into the variant's parameters."""
        copy_into(self.variant.parameters(), self.average)

    def _tensors(self) -> dict[str, Tensor]:
        tensors = {f"now/{name}": tensor for name, tensor in self.weights().items()}
        tensors |= {f"average/{i}": tensor for i, tensor in enumerate(self.average)}
        tensors |= {f"best/{name}": tensor for name, tensor in self.best.items()}
        for group, optimizer in self.optimizers.items():
            tensors |= {f"optimizer/{group}/{name}": tensor for name, tensor in optimizer.state().items()}
        return tensors

    def snapshot(self) -> Snapshot:
        """Return a copy of the state."""
        tensors = {name: tensor.detach().clone() for name, tensor in self._tensors().items()}
        return Snapshot(tensors, json.dumps(asdict(self.progress)))

    def restore(self, snapshot: Snapshot) -> None:
        """Return to a snapshot. `progress` becomes a new object."""
        tensors = snapshot.tensors
        self.load_weights(_without_prefix(tensors, "now/"))
        copy_into(self.average, [tensors[f"average/{i}"] for i in range(len(self.average))])
        self.best = {name: tensor.clone() for name, tensor in _without_prefix(tensors, "best/").items()}
        for group, optimizer in self.optimizers.items():
            optimizer.load_state(_without_prefix(tensors, f"optimizer/{group}/"))
        self.progress = TrainingProgress(**json.loads(snapshot.progress))


@dataclass(frozen=True)
class Snapshot:
    """A copy of a training's state: tensors by name, and the progress as JSON."""

    tensors: dict[str, Tensor]
    progress: str

    def save(self, path: Path) -> None:
        """Write it to one safetensors file, all or nothing."""
        write_atomic(path, save({name: t.contiguous() for name, t in self.tensors.items()}, {"course": self.progress}))

    @staticmethod
    def load(path: Path) -> Snapshot:
        """Read what `save` wrote."""
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
            return Snapshot(tensors, file.metadata()["course"])


def _without_prefix(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Return the entries whose name starts with `prefix`, without it."""
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def copies(tensors: Iterable[Tensor]) -> list[Tensor]:
    """Return detached copies."""
    return [tensor.detach().clone() for tensor in tensors]


@torch.no_grad()
def copy_into(targets: Iterable[Tensor], values: Iterable[Tensor]) -> None:
    """Copy values into tensors, in order."""
    for target, value in zip(targets, values, strict=True):
        target.copy_(value)
