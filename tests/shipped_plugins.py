"""Every variant, loss and sampler that vaeaug ships, by name: what its entry points bring.

They are loaded here, not by the plugin host, which would skip one that fails.
"""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import Any

from vaeaug import ReconstructionLoss, Sampler, Variant

MODULES = [point.load() for point in sorted(entry_points(group="vaeaug")) if point.value.startswith("vaeaug_plugins.")]


def _classes(hook: str) -> dict[str, Any]:
    return {cls.name: cls for module in MODULES if hasattr(module, hook) for cls in getattr(module, hook)()}


VARIANTS: dict[str, type[Variant]] = _classes("vaeaug_variants")
LOSSES: dict[str, type[ReconstructionLoss]] = _classes("vaeaug_losses")
SAMPLERS: dict[str, type[Sampler]] = _classes("vaeaug_samplers")
