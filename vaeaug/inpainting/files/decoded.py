"""Pixels as decoded by Pillow, for files with an encoding that cannot be written again."""

from __future__ import annotations

import numpy as np
from PIL import Image

from vaeaug.dataset.decode import UnreadableImageError, decode_upright
from vaeaug.dataset.rules import DEFAULT_RULES, DecodeRules
from vaeaug.inpainting.files.colour import Space
from vaeaug.inpainting.files.samples import Samples, as_stored

_SPACES: dict[str, Space] = {"L": "gray", "LA": "gray", "RGB": "rgb", "RGBA": "rgb", "CMYK": "cmyk", "P": "indexed"}
_PLAIN = {"1": "L", "La": "LA", "RGBa": "RGBA", "PA": "RGBA", "RGBX": "RGB", "YCbCr": "RGB", "LAB": "RGB", "HSV": "RGB"}


def decoded_samples(data: bytes, rules: DecodeRules = DEFAULT_RULES, orientation: int = 1) -> Samples:
    """Return the pixels of a file's first page in the order of `orientation`; 1 is upright."""
    image = decode_upright(data, rules)
    profile = image.info.get("icc_profile")
    if image.mode == "P" and "transparency" in image.info and not isinstance(image.info["transparency"], int | bytes):
        image = image.convert("RGBA")
    elif "transparency" in image.info and image.mode in ("1", "L", "RGB"):
        image = image.convert("RGBA" if image.mode == "RGB" else "LA")
    if image.mode in _PLAIN:
        image = image.convert(_PLAIN[image.mode])
    values = np.asarray(image)
    if image.mode.startswith("I") and values.size and values.min() >= 0 and values.max() <= 65535:
        return Samples(
            as_stored(values.astype(np.uint16)[..., None], orientation), "gray", white=65535.0, orientation=orientation
        )
    if image.mode not in _SPACES:
        raise UnreadableImageError(
            f"its pixels ({image.mode}) cannot be stored again without loss; save it as PNG or uncompressed TIFF"
        )
    values_HWS = values.reshape(image.height, image.width, -1)
    return Samples(
        as_stored(values_HWS, orientation),
        _SPACES[image.mode],
        alpha=values_HWS.shape[2] - 1 if image.mode in ("LA", "RGBA") else None,
        table_K4=_table(image) if image.mode == "P" else None,
        orientation=orientation,
        profile=profile if isinstance(profile, bytes) else None,
    )


def _table(image: Image.Image) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """Return the colour table, (K, 4), with as many entries as the file lists."""
    listed = image.getpalette() or []
    ramp = Image.frombytes("P", (256, 1), bytes(range(256)))
    ramp.putpalette(listed)
    if "transparency" in image.info:
        ramp.info["transparency"] = image.info["transparency"]
    return np.asarray(ramp.convert("RGBA"))[0, : max(len(listed) // 3, 1)]
