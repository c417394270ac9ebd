"""vaeaug: extend a small image dataset with synthetic images from variational autoencoders.

The names below are imported when they are first used, so that `import vaeaug` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vaeaug.contracts import Deformation as Deformation
    from vaeaug.contracts import Detail as Detail
    from vaeaug.contracts import Draw as Draw
    from vaeaug.contracts import Encoded as Encoded
    from vaeaug.contracts import GaussianVariant as GaussianVariant
    from vaeaug.contracts import ImageSpec as ImageSpec
    from vaeaug.contracts import ImageStatistics as ImageStatistics
    from vaeaug.contracts import Latent as Latent
    from vaeaug.contracts import Latents as Latents
    from vaeaug.contracts import ReconstructionLoss as ReconstructionLoss
    from vaeaug.contracts import Sampler as Sampler
    from vaeaug.contracts import SamplingCase as SamplingCase
    from vaeaug.contracts import Term as Term
    from vaeaug.contracts import TrainingSet as TrainingSet
    from vaeaug.contracts import Variant as Variant
    from vaeaug.errors import InputError as InputError
    from vaeaug.hookspecs import hookimpl as hookimpl
    from vaeaug.options import option as option
    from vaeaug.workflows.augment.augment_command import augment as augment
    from vaeaug.workflows.encode.encode_command import encode as encode
    from vaeaug.workflows.evaluate.evaluate_command import evaluate as evaluate
    from vaeaug.workflows.inpaint.inpaint_command import inpaint as inpaint
    from vaeaug.workflows.model import Model as Model
    from vaeaug.workflows.model import load as load
    from vaeaug.workflows.pictures.interpolate_command import interpolate as interpolate
    from vaeaug.workflows.pictures.traverse_command import traverse as traverse
    from vaeaug.workflows.score.score_command import score as score
    from vaeaug.workflows.synthetic.sample_command import sample as sample
    from vaeaug.workflows.train.train_command import train as train

__version__ = "0.1.0"

_HOME = {
    "Deformation": "vaeaug.contracts",
    "Detail": "vaeaug.contracts",
    "Draw": "vaeaug.contracts",
    "Encoded": "vaeaug.contracts",
    "GaussianVariant": "vaeaug.contracts",
    "ImageSpec": "vaeaug.contracts",
    "ImageStatistics": "vaeaug.contracts",
    "InputError": "vaeaug.errors",
    "Latent": "vaeaug.contracts",
    "Latents": "vaeaug.contracts",
    "Model": "vaeaug.workflows.model",
    "ReconstructionLoss": "vaeaug.contracts",
    "Sampler": "vaeaug.contracts",
    "SamplingCase": "vaeaug.contracts",
    "Term": "vaeaug.contracts",
    "TrainingSet": "vaeaug.contracts",
    "Variant": "vaeaug.contracts",
    "option": "vaeaug.options",
    "augment": "vaeaug.workflows.augment.augment_command",
    "encode": "vaeaug.workflows.encode.encode_command",
    "evaluate": "vaeaug.workflows.evaluate.evaluate_command",
    "hookimpl": "vaeaug.hookspecs",
    "inpaint": "vaeaug.workflows.inpaint.inpaint_command",
    "interpolate": "vaeaug.workflows.pictures.interpolate_command",
    "load": "vaeaug.workflows.model",
    "sample": "vaeaug.workflows.synthetic.sample_command",
    "score": "vaeaug.workflows.score.score_command",
    "train": "vaeaug.workflows.train.train_command",
    "traverse": "vaeaug.workflows.pictures.traverse_command",
}

__all__ = ["__version__", *sorted(_HOME)]  # noqa: PLE0604


def __getattr__(name: str) -> Any:
    """Import a public name from its home on first use (PEP 562)."""
    if name not in _HOME:
        raise AttributeError(f"module 'vaeaug' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
