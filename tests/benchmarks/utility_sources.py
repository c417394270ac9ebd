"""Where the synthetic images of `utility.py` come from: our samplers, and two controls that need no model of ours."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from utility_data import joined
from vaeaug_plugins.samplers.residual import ResidualSampler

import vaeaug
from vaeaug.evaluation.arms import LabelledImages

STRENGTH = ResidualSampler.Config().strength


@dataclass(frozen=True)
class Sources:
    """Synthetic images of one draw of real ones. All that is made is kept in the folder, and made once.

    Attributes:
        real: the training images.
        folder: for the real images, the model, and what is drawn from it.
        seed: of everything.
        ratio: synthetic images for each real one.
        balance: whether they fill the classes up to the largest instead.
        train: settings of the training of the model.
        pyraug: Python of an environment with pyraug, or None.
    """

    real: LabelledImages
    folder: Path
    seed: int
    ratio: float
    balance: bool
    train: dict[str, Any]
    pyraug: Path | None

    def made(self, source: str) -> LabelledImages:
        """Return the synthetic images of a source: `SAMPLER[:NAME=VALUE,...][+filter]`, `pca` or `rhvae`."""
        if source == "pca":
            return self._changed_along_pixels()
        if source == "rhvae":
            return self._from_pyraug()
        return self._sampled(source)

    def _sampled(self, source: str) -> LabelledImages:
        """Return what `vaeaug.augment` writes; the model is trained the first time."""
        if not (self.folder / "data").exists():
            _write(self.real, self.folder / "writing")
            (self.folder / "writing").rename(self.folder / "data")
        sampler, _, kept = source.partition("+")
        name, _, options = sampler.partition(":")
        out = self.folder / source.replace(":", "-")
        if not out.exists():
            vaeaug.augment(
                self.folder / "data",
                out,
                model=self.folder / ("model-warp" if name == "warp" else "model"),  # of another variant
                sampler=name,
                sampler_options=dict(pair.split("=") for pair in options.split(",") if pair),
                filter=kept == "filter",
                synthetic_only=True,
                seed=self.seed,
                workers=1,
                resume=True,
                **({"balance": True} if self.balance else {"ratio": self.ratio}),
                **self.train,
            )
        paths = sorted((out / "train").rglob("*.png"))
        shape = self.real.pixels_NHWC.shape[1:]
        pixels = [np.asarray(Image.open(path).convert("RGB" if shape[2] == 3 else "L")) for path in paths]
        return LabelledImages(np.stack(pixels).reshape(-1, *shape), np.array([int(path.parent.name) for path in paths]))

    def _changed_along_pixels(self) -> LabelledImages:
        """Return real images x + STRENGTH e, with e from the covariance of the pixels of their class."""
        rng = np.random.default_rng([self.seed, 2])
        shape = self.real.pixels_NHWC.shape[1:]
        counts_K = np.bincount(self.real.labels_N)
        parts = []
        for label, real_count in enumerate(counts_K):
            x_ND = self.real.pixels_NHWC[self.real.labels_N == label].reshape(real_count, -1) / 255
            count = counts_K.max() - real_count if self.balance else round(self.ratio * real_count)
            noise_MN = rng.standard_normal((count, real_count)) / np.sqrt(real_count)
            changed_MD = x_ND[np.arange(count) % real_count] + STRENGTH * noise_MN @ (x_ND - x_ND.mean(axis=0))
            pixels_MD = np.round(np.clip(changed_MD, 0, 1) * 255).astype(np.uint8)
            parts.append(LabelledImages(pixels_MD.reshape(-1, *shape), np.full(count, label)))
        return joined(parts)

    def _from_pyraug(self) -> LabelledImages:
        """Return samples of pyraug's RHVAE, as many of each class."""
        if self.pyraug is None:
            raise SystemExit("the source rhvae needs --pyraug PYTHON, of an environment with pyraug")
        if self.balance:
            raise SystemExit("the source rhvae draws as many of each class; leave out --tail")
        self.folder.mkdir(exist_ok=True)
        out = self.folder / "rhvae.npz"
        if not out.exists():
            np.savez(self.folder / "real.npz", pixels_NHWC=self.real.pixels_NHWC, labels_N=self.real.labels_N)
            script = Path(__file__).with_name("pyraug_rhvae.py")
            words = [self.pyraug, script, self.folder / "real.npz", self.folder / "part.npz", "--seed", self.seed]
            count = round(self.ratio * np.bincount(self.real.labels_N).max())
            subprocess.run([*map(str, words), "--per-class", str(count)], check=True)
            (self.folder / "part.npz").rename(out)
        with np.load(out, allow_pickle=False) as kept:
            return LabelledImages(kept["pixels_NHWC"], kept["labels_N"])


def _write(images: LabelledImages, folder: Path) -> None:
    for number, (pixels_HWC, label) in enumerate(zip(images.pixels_NHWC, images.labels_N, strict=True)):
        (folder / str(label)).mkdir(parents=True, exist_ok=True)
        image = Image.fromarray(pixels_HWC[..., 0] if pixels_HWC.shape[-1] == 1 else pixels_HWC)
        image.save(folder / str(label) / f"{number:05}.png")
