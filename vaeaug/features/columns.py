"""Names of the columns of a feature table, for latents of any structure.

    mean            `Encoded.features_BD`: the feature vector of an image. Always present.
    logvar          the log-variance of the posterior whose mode is `mean`, if there is one.
    mean/<group>    a group of a latent of several tensors, flattened. Groups are counted from 1, or named by the
    logvar/<group>  variant, joined by "/" if they are nested. `mean` is often one of them.
    codes           a discrete latent, flattened; `codes/<group>` if there are several.

A latent of one tensor that differs from `mean` (for example, pooled features) is the group `latent`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vaeaug.contracts import Encoded, leaves
from vaeaug.contracts.latent import leaf_names
from vaeaug.errors import VaeaugError

MIN_SCALE = 1e-18
"""A standard deviation is not taken to be less: the logarithm of its square stays finite."""


@dataclass(frozen=True, slots=True)
class Column:
    """A numeric column of fixed width.

    Attributes:
        shape: of the values of an image before they are flattened.
        dtype: `float32` or `int32`.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str

    @property
    def width(self) -> int:
        """Values per image."""
        return int(np.prod(self.shape, dtype=np.int64))


@dataclass(frozen=True, slots=True)
class Layout:
    """How the tensors of an encoding become columns; the same for all images of a model.

    Attributes:
        groups: a name for each tensor of the latent; empty for a latent of one tensor.
        features_index: which of them equals the features, or None.
        columns: of `arrays`, in order.
    """

    groups: tuple[str, ...]
    features_index: int | None
    columns: tuple[Column, ...]

    @classmethod
    def of(cls, encoded: Encoded) -> Layout:
        """Return the layout of the encoder that returned `encoded`."""
        groups = tuple(leaf_names(encoded.latent))
        tensors = [tensor.flatten(1) for tensor in leaves(encoded.latent)]
        matches = [i for i, tensor in enumerate(tensors) if torch.equal(tensor, encoded.features_BD)]
        layout = cls(groups, matches[0] if matches else None, ())
        columns = [
            Column(name, tuple(tensor.shape[1:]), "float32" if tensor.is_floating_point() else "int32")
            for name, tensor in layout._tensors(encoded)
        ]
        return cls(groups, layout.features_index, tuple(columns))

    def arrays(self, encoded: Encoded) -> dict[str, NDArray[np.float32] | NDArray[np.int32]]:
        """Return the columns of a batch: name -> (B, width), float32 or int32.

        Raises:
            VaeaugError: if a code does not fit into 32 bits.
        """
        return {name: _array(name, tensor) for name, tensor in self._tensors(encoded)}

    def _tensors(self, encoded: Encoded) -> Iterator[tuple[str, Tensor]]:
        latents = leaves(encoded.latent)
        scales = [None] * len(latents) if encoded.scale is None else leaves(encoded.scale)
        yield "mean", encoded.features_BD
        if self.features_index is not None:
            scale = scales[self.features_index]
            if scale is not None:
                yield "logvar", _logvar(scale).flatten(1)
        for i, (group, latent, scale) in enumerate(zip(self.groups, latents, scales, strict=True)):
            if not latent.is_floating_point():
                yield _column_name("codes", group), latent
            elif group or i != self.features_index:
                name = group or "latent"
                yield _column_name("mean", name), latent
                if scale is not None:
                    yield _column_name("logvar", name), _logvar(scale)


def _column_name(path: str, name: str) -> str:
    return "/".join(part for part in (path, name) if part)


def _logvar(scale: Tensor) -> Tensor:
    return 2 * scale.float().clamp(min=MIN_SCALE).log()


def _array(name: str, tensor: Tensor) -> NDArray[np.float32] | NDArray[np.int32]:
    flat = tensor.flatten(1).cpu()
    if flat.is_floating_point():
        floats: NDArray[np.float32] = flat.float().numpy()
        return floats
    wide = flat.long().numpy()
    codes = wide.astype(np.int32)
    if not np.array_equal(codes, wide):
        raise VaeaugError(f"the variant's {name} do not fit into 32 bits, so they cannot be written")
    return codes
