"""Samples of another size are brought to the cache's as real images are, so that this does not tell them apart."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from vaeaug.dataset.decode import decode
from vaeaug.workflows.synthetic.sample_filter import _resized


@pytest.mark.parametrize(("side", "channels"), [(128, 3), (16, 3), (32, 3), (90, 1), (16, 1)])
def test_an_unchanged_real_image_is_what_the_cache_has(side: int, channels: int) -> None:
    pixels_HWC = np.random.default_rng(side).integers(0, 256, (side, side, channels), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels_HWC[..., 0] if channels == 1 else pixels_HWC).save(file, "PNG")
    cached_HWC = decode(file.getvalue(), 32, 32).pixels_HWC
    assert np.array_equal(_resized(pixels_HWC, (32, 32, channels)), cached_HWC)


def test_a_gray_palette_that_was_read_in_colour_is_gray_again() -> None:
    gray_HWC = np.random.default_rng(0).integers(0, 256, (8, 8, 1), dtype=np.uint8)
    assert np.array_equal(_resized(np.repeat(gray_HWC, 3, axis=2), (8, 8, 1)), gray_HWC)
