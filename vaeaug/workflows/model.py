"""A trained model, as the Python API hands it out."""

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
        path: the directory it lies in.
        classes: the names of its classes.
        record: all that `model.json` says.
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
            label: the class; may be left out where there is only one.
            n: how many. The first n of more are the same images.
            seed: image i depends on (seed, label, i) alone.
            sampler: name of a sampler that edits no real images (see: vaeaug plugins), or `auto`.
            sampler_options: options of the sampler, such as the number of neighbours.

        Returns:
            uint8 images, shape (n, H, W, C), at the model's size, C = 1 (gray) or 3 (RGB).

        Raises:
            InputError: no such class, sampler or option, or no class is named where there are several.
        """
        if label is None:
            if len(self.classes) > 1:
                raise InputError(f"name the class to sample: label=..., one of {', '.join(self.classes)}")
            label = self.classes[0]
        self.record.label(label)
        if n < 0:
            raise InputError(f"the number of images is 0 or more, not {n}")
        options = sampler_options or {}
        registry = plugins.load(self._plugins_dirs)
        asked = find_sampler(sampler, options, registry)
        drawn = choose_sampler(asked, registry.samplers, self.stored).cls
        chunks = generate(
            self.stored,
            label,
            chunks_of(n),
            sampler=drawn,
            config=sampler_config(drawn, options),
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
            labels: the class to encode them as, one for all or one each; by default the largest class for all, so that
                no feature knows the label of its image.

        Returns:
            The features (N, D), and the log-variance of their posterior, or None where the variant has none.

        Raises:
            InputError: images of another type or shape, or no such class.
        """
        record = self.record
        if images.dtype != np.uint8 or images.shape[1:] != (record.height, record.width, record.channels):
            wanted = f"uint8 images of shape (N, {record.height}, {record.width}, {record.channels})"
            raise InputError(f"the model encodes {wanted}, not {images.dtype} {images.shape}")
        if labels is None:
            labels = self.classes[self.stored.largest_class]
        names = [labels] * len(images) if isinstance(labels, str) else list(labels)
        if len(names) != len(images):
            raise InputError(f"there are {len(images)} images and {len(names)} labels; give one label, or one an image")
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
        """Fill holes in images. What is visible stays as it is, bit for bit.

        The first time, a partial encoder is trained, which takes some minutes without a word, and kept in the model's
        directory; `vaeaug train --inpainting` trains it with the model, and `method="gibbs"` does without.

        Args:
            images: uint8 (N, H, W), (N, H, W, 1) or (N, H, W, 3), of any size.
            masks: bool (N, H, W), True where a pixel is missing.
            label: the class of all images, or one for each; None where it is to be inferred.
            samples: completions of each image; one is the best guess, several are draws.
            seed: the completions of image i depend on (seed, i), the image and its mask alone.
            method: `auto`, `partial-encoder` or `gibbs`.
            draws: latents tried for each completion.
            blend: `feather`, `poisson` or `none`.
            region: `auto` shows the model the surroundings of the holes of images much larger than those it was trained
                on; `whole` shows it all of them.

        Returns:
            uint8 (N, samples, H, W, C).

        Raises:
            InputError: shapes do not fit, there is no such class, or an option is out of range.
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
        """Tell how strange images are: the columns of `vaeaug score`, in the order of the images.

        Args:
            images: uint8, shape (N, H, W, C), at the model's size.
            labels: the class of each, None for one of unknown class; None if all are.
            judge: who judges labels: `auto`, `features` or `evidence`.
            draws: draws an image for the bounds on the likelihood.
            seed: of the draws; what is drawn depends on (seed, the image) alone.

        Returns:
            float32 arrays (N,): `scaled_error`, `absolute_error`, `negative_elbo`, `reconstruction_error`, `kl`,
            `iwae_bound` and `label_surprise`, NaN where there is no such thing; `likeliest_class`, names, empty where
            nobody can tell; and `error`, (N, H, W), the absolute error of each pixel in [0, 1].

        Raises:
            InputError: images of another type or shape, no such class, or the loss names code and there is no consent.
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
        plugins_dirs: directories of plugin files, where it needs one.
        variant_options: options of its variant that only change what is drawn, such as a temperature.
        allow_imports: let its loss import the code that `model.json` names; only where you trust who made the model.

    Raises:
        InputError: there is no model, it is damaged, its plugin is not installed (the message names it), or an option
            was settled when it was trained.
        PluginError: its plugin is broken.
    """
    stored = open_stored(
        expand_user(path),
        choose_device(device),
        plugins.load(plugins_dirs),
        variant_options,
        allow_imports=allow_imports,
    )
    return Model(stored, plugins_dirs)
