"""The rules by which image files become pixels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from vaeaug.dataset.levels import Levels

RGB = tuple[int, int, int]
WHITE: RGB = (255, 255, 255)
MAX_MEGAPIXELS = 250.0


@dataclass(frozen=True, slots=True)
class DecodeRules:
    """The rules for decoding image files; `levels` is the range of deep images, if known."""

    background: RGB = WHITE
    keep_alpha: bool = False
    levels: Levels | None = None
    max_megapixels: float = MAX_MEGAPIXELS

    def to_json(self) -> dict[str, Any]:
        """Return the rules as JSON values."""
        return asdict(self)


DEFAULT_RULES = DecodeRules()


def rules_from_json(values: Mapping[str, Any]) -> DecodeRules:
    """Return rules from `DecodeRules.to_json`; raise KeyError or TypeError if a field is missing or unknown."""
    red, green, blue = values["background"]
    levels = values["levels"]
    return DecodeRules(
        **{**values, "background": (red, green, blue), "levels": None if levels is None else Levels(**levels)}
    )
