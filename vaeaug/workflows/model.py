"""A trained model in the Python API."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vaeaug import plugins
from vaeaug.errors import InputError
from vaeaug.features.encode import encode_array
from vaeaug.models.record import ModelRecord
from vaeaug.models.store import StoredModel, open_stored
from vaeaug.synthesis.generate import chunks_of, generate
from vaeaug.workflows.device import choose_device, one_thread
from vaeaug.workflows.inpaint.inpaint_arrays import inpaint_arrays
from vaeaug.workflows.samplers import choose_sampler, find_sampler, sampler_config
from vaeaug.workflows.score.score_arrays import score_arrays
from vaeaug.workflows.settings import AUTO, expand_user


class Model:
    """A trained model. Get one from `vaeaug.load` or `vaeaug.train`.

    Attributes:
        path: its directory.
        classes: the names of its classes.
        record: the contents of `model.json`.
    """

    def __init__(self, stored: StoredModel, plugins_dirs: Iterable[str | Path] = ()) -> None:
        self.stored = stored
        self._plugins_dirs = tuple(plugins_dirs)  # for samplers
        self.path: Path = stored.directory
        self.classes: tuple[str, ...] = stored.classes
        self.record: ModelRecord = stored.record

    @one_thread()
    def sample(
        self,
        label: str | None = None,
        n: int = 16,
        *,
        seed: int = 0,
        sampler: str = AUTO,
        sampler_options: Mapping[str, Any] | None = None,
    ) -> NDArray[np.uint8]:
        """Draw new images of a class.

        Args:
            label: the class; may be omitted if there is only one.
            n: number of images. The first n of more images are the same.
            seed: image i depends only on (seed, label, i).
            sampler: name of a sampler that edits no real images (see: vaeaug plugins), or `auto`.
            sampler_options: options of the sampler, such as the number of neighbours.

        Returns:
            uint8 images, shape (n, H, W, C), at the model's size, C = 1 (gray) or 3 (RGB).

        Raises:
            InputError: if there is no such class, sampler or option, or if no class is named and there are several.
        """
        if label is None:
            if len(self.classes) > 1:
                raise InputError(f"name the class to sample: label=..., one of {', '.join(self.classes)}")
            label = self.classes[0]
        self.record.label(label)
        if n < 0:
            raise InputError(f"the number of images must be at least 0, not {n}")
        options = sampler_options or {}
        registry = plugins.load(self._plugins_dirs)
        requested = find_sampler(sampler, options, registry)
        sampler_class = choose_sampler(requested, registry.samplers, self.stored).cls
        chunks = generate(
            self.stored,
            label,
            chunks_of(n),
            sampler=sampler_class,
            config=sampler_config(sampler_class, options),
            seed=seed,
            count=n,
        )
        parts = [chunk.pixels_BHWC for chunk in chunks]
        record = self.record
        return np.concatenate(parts) if parts else np.empty((0, record.height, record.width, record.channels), np.uint8)

    @one_thread()
    def encode(
        self, images: NDArray[np.uint8], labels: str | Sequence[str] | None = None
    ) -> tuple[NDArray[np.float32], NDArray[np.float32] | None]:
        """Encode images: the columns `mean` and `logvar` of `vaeaug encode`.

        Args:
            images: uint8, shape (N, H, W, C), at the model's size.
            labels: the class to encode them as, one for all or one per image; by default the largest class for all, so
                that features do not leak labels.

        Returns:
            The features (N, D), and the log-variance of their posterior, or None if the variant has none.

        Raises:
            InputError: if the images are of another type or shape, or if there is no such class.
        """
        record = self.record
        if images.dtype != np.uint8 or images.shape[1:] != (record.height, record.width, record.channels):
            expected = f"uint8 of shape (N, {record.height}, {record.width}, {record.channels})"
            raise InputError(f"images must be {expected}, not {images.dtype} {images.shape}")
        if labels is None:
            labels = self.classes[self.stored.largest_class]
        names = [labels] * len(images) if isinstance(labels, str) else list(labels)
        if len(names) != len(images):
            raise InputError(
                f"there are {len(images)} images and {len(names)} labels; give one label, or one per image"
            )
        features = encode_array(self.stored, images, np.array([record.label(name) for name in names], np.int64))
        return features["mean"], features.get("logvar")

    def inpaint(
        self,
        images: NDArray[np.uint8],
        masks: NDArray[np.bool_],
        label: str | Sequence[str | None] | None = None,
        *,
        samples: int = 1,
        seed: int = 0,
        method: str = AUTO,
        draws: int = 16,
        blend: str = "feather",
        region: str = AUTO,
    ) -> NDArray[np.uint8]:
        """Fill holes in images. Visible pixels are bit-identical.

        On first use the inpainting encoder is trained, which takes some minutes, and kept in the model's directory.
        `vaeaug train --inpainting` trains it with the model; `method="gibbs"` does not need it.

        Args:
            images: uint8 (N, H, W), (N, H, W, 1) or (N, H, W, 3), of any size.
            masks: bool (N, H, W), True where a pixel is missing.
            label: the class of all images, or one per image; None to infer it.
            samples: number of completions per image; a single one is the best guess, several are draws.
            seed: the completions of image i depend only on (seed, i), the image and its mask.
            method: `auto`, `blend`, `partial-encoder`, `gaussian` or `gibbs`.
            draws: latents tried per completion.
            blend: `feather`, `poisson` or `none`.
            region: `auto` shows the model only the surroundings of the holes if an image is much larger than those it
                was trained on; `whole` always shows it the whole image.

        Returns:
            uint8 (N, samples, H, W, C).

        Raises:
            InputError: if shapes do not fit, if there is no such class, or if an option is out of range.
        """
        return inpaint_arrays(
            self.stored,
            images,
            masks,
            label,
            samples=samples,
            seed=seed,
            method=method,
            draws=draws,
            blend=blend,
            region=region,
        )

    def score(
        self,
        images: NDArray[np.uint8],
        labels: Sequence[str | None] | None = None,
        *,
        judge: str = AUTO,
        draws: int = 16,
        seed: int = 0,
    ) -> dict[str, NDArray[Any]]:
        """Score how anomalous images are: the columns of `vaeaug score`, in the order of the images.

        Args:
            images: uint8, shape (N, H, W, C), at the model's size.
            labels: the class of each image, None for an unknown class; None if all classes are unknown.
            judge: how labels are scored: `auto`, `features` or `evidence`.
            draws: draws per image for the bounds on the likelihood.
            seed: of the draws, which depend only on (seed, the image).

        Returns:
            float32 arrays (N,): `scaled_error`, `absolute_error`, `negative_elbo`, `reconstruction_error`, `kl`,
            `iwae_bound` and `label_surprise`, NaN if the value does not exist; `likeliest_class`, names, empty if
            unknown; and `error`, (N, H, W), the absolute error of each pixel in [0, 1].

        Raises:
            InputError: if the images are of another type or shape, if there is no such class, or if the loss names code
                and the user has not consented to import it.
        """
        return score_arrays(self.stored, images, labels, judge=judge, draws=draws, seed=seed)

    def __repr__(self) -> str:
        record = self.record
        size = f"{record.height}x{record.width}x{record.channels}"
        return f"<vaeaug model {self.path}: {record.variant.name}, {len(self.classes)} classes, {size}>"


def load(
    path: str | Path,
    *,
    device: str = "auto",
    plugins_dirs: Iterable[str | Path] = (),
    variant_options: Mapping[str, Any] | None = None,
    allow_imports: bool = False,
) -> Model:
    """Open a trained model.

    Args:
        path: its directory.
        device: where to compute: `auto`, `cpu`, `cuda`, ...
        plugins_dirs: directories of plugin files, if it needs one.
        variant_options: options of its variant that only change how images are drawn, such as a temperature.
        allow_imports: let its loss import the code that `model.json` names; only if you trust the model's author.

    Raises:
        InputError: if there is no model, if it is damaged, if its plugin is not installed (the message names it), or if
            an option was fixed when it was trained.
        PluginError: if its plugin is broken.
    """
    stored = open_stored(
        expand_user(path),
        choose_device(device),
        plugins.load(plugins_dirs),
        variant_options,
        allow_imports=allow_imports,
    )
    return Model(stored, plugins_dirs)
