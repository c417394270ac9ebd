"""The hooks a plugin may implement. This module imports no torch: listing plugins must stay cheap.

Hooks only ever gain arguments; pluggy lets an implementation take fewer than the specification has.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from vaeaug.contracts import ReconstructionLoss, Sampler, Variant

API_VERSION = 1
"""The version of the plugin contract. A module that states a newer one (`VAEAUG_API = 2`) is refused."""

PROJECT = "vaeaug"
"""The entry-point group, and the name pluggy marks our hooks with."""

HOOKS = {"vaeaug_variants": "variant", "vaeaug_losses": "loss", "vaeaug_samplers": "sampler"}
"""Hook -> the kind of class that it returns."""

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def vaeaug_variants() -> Iterable[type[Variant]]:  # type: ignore[empty-body]
    """Return the kinds of autoencoder this plugin brings: subclasses of `vaeaug.Variant`, each with a `name`."""


@hookspec
def vaeaug_losses() -> Iterable[type[ReconstructionLoss]]:  # type: ignore[empty-body]
    """Return the losses this plugin brings: subclasses of `vaeaug.ReconstructionLoss`, each with a `name`."""


@hookspec
def vaeaug_samplers() -> Iterable[type[Sampler]]:  # type: ignore[empty-body]
    """Return the samplers this plugin brings: subclasses of `vaeaug.Sampler`, each with a `name`."""
