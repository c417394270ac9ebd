"""vaeaug: extend a small image dataset with what variational autoencoders learn from it.

The names below are imported when they are first used, so that `import vaeaug` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vaeaug.contracts import Encoded as Encoded
    from vaeaug.contracts import GaussianVariant as GaussianVariant
    from vaeaug.contracts import ImageSpec as ImageSpec
    from vaeaug.contracts import ImageStatistics as ImageStatistics
    from vaeaug.contracts import Latent as Latent
    from vaeaug.contracts import Latents as Latents
    from vaeaug.contracts import ReconstructionLoss as ReconstructionLoss
    from vaeaug.contracts import Variant as Variant
    from vaeaug.errors import InputError as InputError
    from vaeaug.hookspecs import hookimpl as hookimpl
    from vaeaug.options import option as option
    from vaeaug.workflows.augment import augment as augment
    from vaeaug.workflows.encode import encode as encode
    from vaeaug.workflows.evaluate import evaluate as evaluate
    from vaeaug.workflows.inpaint import inpaint as inpaint
    from vaeaug.workflows.interpolate import interpolate as interpolate
    from vaeaug.workflows.model import Model as Model
    from vaeaug.workflows.model import load as load
    from vaeaug.workflows.sample import sample as sample
    from vaeaug.workflows.score import score as score
    from vaeaug.workflows.train import train as train
    from vaeaug.workflows.traverse import traverse as traverse

__version__ = "0.1.0"

_HOME = {
    "Encoded": "vaeaug.contracts",
    "GaussianVariant": "vaeaug.contracts",
    "ImageSpec": "vaeaug.contracts",
    "ImageStatistics": "vaeaug.contracts",
    "InputError": "vaeaug.errors",
    "Latent": "vaeaug.contracts",
    "Latents": "vaeaug.contracts",
    "Model": "vaeaug.workflows.model",
    "ReconstructionLoss": "vaeaug.contracts",
    "Variant": "vaeaug.contracts",
    "option": "vaeaug.options",
    "augment": "vaeaug.workflows.augment",
    "encode": "vaeaug.workflows.encode",
    "evaluate": "vaeaug.workflows.evaluate",
    "hookimpl": "vaeaug.hookspecs",
    "inpaint": "vaeaug.workflows.inpaint",
    "interpolate": "vaeaug.workflows.interpolate",
    "load": "vaeaug.workflows.model",
    "sample": "vaeaug.workflows.sample",
    "score": "vaeaug.workflows.score",
    "train": "vaeaug.workflows.train",
    "traverse": "vaeaug.workflows.traverse",
}

__all__ = ["__version__", *sorted(_HOME)]  # noqa: PLE0604


def __getattr__(name: str) -> Any:
    """Import a public name from its home on first use (PEP 562)."""
    if name not in _HOME:
        raise AttributeError(f"module 'vaeaug' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
