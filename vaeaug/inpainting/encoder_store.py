"""The inpainting encoder of a model: built for its latents, and stored in a file next to its weights."""

from __future__ import annotations

import json

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from vaeaug.contracts import leaves
from vaeaug.disk import plain_disk_errors, write_atomic
from vaeaug.errors import InputError
from vaeaug.inpainting.code_encoder import CodeEncoder
from vaeaug.inpainting.encoder import InpaintingEncoder
from vaeaug.inpainting.mixture_encoder import MixtureEncoder
from vaeaug.inpainting.pixel_blend import decoded_only
from vaeaug.models.store import StoredModel
from vaeaug.seeds import seed_of

__all__ = [
    "FILE",
    "InpaintingEncoder",
    "build_inpainting_encoder",
    "load_inpainting_encoder",
    "save_inpainting_encoder",
]

FILE = "inpainting.safetensors"
KEY = "partial_encoder"  # of the metadata


def build_inpainting_encoder(model: StoredModel, codes: int, seed: int) -> InpaintingEncoder:
    """Return an untrained inpainting encoder on the model's device; InputError if its latents have none."""
    stored = [model.latents(label).latents for label in range(len(model.classes))]
    like = stored[0].latent
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_of(seed, "partial-encoder"))
        if all(leaf.is_floating_point() for leaf in leaves(like)):
            mixture = MixtureEncoder(model.spec, like)
            mixture.standardize(stored)
            return mixture.to(model.device)
        if not any(leaf.is_floating_point() for leaf in leaves(like)):
            return CodeEncoder(model.spec, like, codes=codes).to(model.device)
    raise InputError(
        f"there is no inpainting encoder for the latents of the variant '{model.record.variant.name}'; use --method "
        "gibbs, which needs none"
    )


def save_inpainting_encoder(model: StoredModel, encoder: InpaintingEncoder) -> None:
    """Write an inpainting encoder into its model's directory, completely or not at all."""
    about = {"kind": encoder.kind, "model": model.record.fingerprint, "settings": encoder.settings()}
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in encoder.state_dict().items()}
    path = model.directory / FILE
    with plain_disk_errors(path):
        write_atomic(path, save(tensors, {KEY: json.dumps(about, sort_keys=True)}))


def load_inpainting_encoder(model: StoredModel) -> InpaintingEncoder | None:
    """Return a model's inpainting encoder in eval mode, or None if none was trained for these weights."""
    path = model.directory / FILE
    if not path.is_file():
        return None
    try:
        with safe_open(path, framework="pt") as file:
            about = json.loads((file.metadata() or {})[KEY])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
        if about["model"] != model.record.fingerprint:
            return None  # the model was trained again since
        cls = {cls.kind: cls for cls in (MixtureEncoder, CodeEncoder)}[about["kind"]]
        encoder = cls(model.spec, model.latents(0).latents.latent, **about["settings"])
        tensors.setdefault("blend_weights_FKE", decoded_only())  # files of earlier versions have none
        encoder.load_state_dict(tensors)
    except (OSError, SafetensorError, LookupError, TypeError, ValueError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"{path} cannot be read ({reason}); delete it, and it is trained again") from None
    return encoder.to(model.device).eval()
