"""Names of the columns of a feature table, for latents of any structure.

    mean            `Encoded.features_BD`: the one vector per image that a variant calls its features. Always there.
    logvar          the log-variance of the posterior that `mean` is the mode of, where there is such a posterior.
    mean/<group>    a group of a latent of several tensors, flattened. Groups are counted from 1, or named as the
    logvar/<group>  variant names them, joined by "/" if they are nested. `mean` is often one of them.
    codes           a discrete latent, flattened; `codes/<group>` if there are several.

A latent of one tensor that `mean` is not made of (features that are pooled, say) is the group `latent`.
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
    """A column of numbers, a fixed number of them an image.

    Attributes:
        shape: what the numbers of an image form before they are flattened.
        dtype: `float32` or `int32`.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str

    @property
    def width(self) -> int:
        """Numbers an image."""
        return int(np.prod(self.shape, dtype=np.int64))


@dataclass(frozen=True, slots=True)
class Layout:
    """How the tensors of what a variant encodes become columns; the same for all images of a model.

    Attributes:
        groups: a name for each tensor of the latent; the only one of a latent of one tensor has none.
        features_index: which of them the features are, or None.
        columns: what `arrays` returns, in order.
    """

    groups: tuple[str, ...]
    features_index: int | None
    columns: tuple[Column, ...]

    @classmethod
    def of(cls, encoded: Encoded) -> Layout:
        """Return the layout for whatever encodes images like these."""
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
            VaeaugError: a code does not fit into 32 bits.
        """
        return {name: _array(name, tensor) for name, tensor in self._tensors(encoded)}

    def _tensors(self, encoded: Encoded) -> Iterator[tuple[str, Tensor]]:
        """Yield the columns as tensors (B, ...)."""
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
