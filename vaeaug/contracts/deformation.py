"""A smooth deformation of images: what a variant decodes a latent of a transformation to."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True, slots=True)
class Deformation:
    """For each of B images, where its pixels are taken from, and a factor of its brightness; both on a coarse grid.

    Attributes:
        displacement_B2HW: from each place of the new image to the place in the old one that it shows: to the right and
            down, as fractions of the width and the height. H and W are any, from 2 up.
        log_gain_BHW: logarithm of the factor of the brightness at each place, of the same H and W, or None.
    """

    displacement_B2HW: Tensor
    log_gain_BHW: Tensor | None = None
