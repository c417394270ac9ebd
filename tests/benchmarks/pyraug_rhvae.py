"""Train pyraug's RHVAE on the images of each class and write as many samples; `utility.py` calls it.

    PYTHON tests/benchmarks/pyraug_rhvae.py REAL.npz OUT.npz --per-class 50 --seed 0

REAL.npz holds `pixels_NHWC` (uint8) and `labels_N`; so will OUT.npz. PYTHON is one of an environment of its own, for
pyraug 0.0.6 needs pydantic below 2 (pip install pyraug "pydantic<2"). Everything is at pyraug's defaults but the
learning rate, 1e-3 as in its examples instead of 1e-4.

C. Chadebec, E. Thibeau-Sutre, N. Burgos, S. Allassonniere. Data augmentation in high dimensional low sample size
setting using a geometry-based variational autoencoder. IEEE TPAMI 45, 2023.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from pyraug.models import RHVAE
from pyraug.models.rhvae import RHVAEConfig, RHVAESampler, RHVAESamplerConfig
from pyraug.pipelines import TrainingPipeline
from pyraug.trainers.training_config import TrainingConfig


def main() -> None:
    """Train and sample, a class after the other."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("real", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--per-class", type=int, required=True)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    with np.load(arguments.real, allow_pickle=False) as real:
        pixels_NHWC, labels_N = real["pixels_NHWC"], real["labels_N"]
    labels = np.unique(labels_N)
    parts = []
    for label in labels:
        began = time.perf_counter()
        parts.append(samples_like(pixels_NHWC[labels_N == label], arguments.per_class, arguments.seed))
        print(f"class {label}: {time.perf_counter() - began:.0f} s", flush=True)
    np.savez(arguments.out, pixels_NHWC=np.concatenate(parts), labels_N=np.repeat(labels, arguments.per_class))


def samples_like(pixels_NHWC: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Return samples of a model of one class, uint8 (count, H, W, C)."""
    shape = pixels_NHWC.shape[1:]
    with tempfile.TemporaryDirectory() as scratch:
        model = RHVAE(RHVAEConfig(input_dim=int(np.prod(shape))))
        config = TrainingConfig(output_dir=scratch, learning_rate=1e-3, seed=seed, no_cuda=True, verbose=False)
        x_ND = pixels_NHWC.reshape(len(pixels_NHWC), -1) / 255.0
        # Without a place for its log pyraug does not stop early, as it says it does, but trains for 10,000 epochs.
        TrainingPipeline(model=model, training_config=config)(x_ND, log_output_dir=scratch)
        folder = next(Path(scratch).rglob("final_model"))
        model = RHVAE.load_from_folder(str(folder))
        torch.manual_seed(seed)
        sampler = RHVAESampler(model, RHVAESamplerConfig(output_dir=scratch))
        with torch.no_grad():  # it computes its gradients itself
            parts = [model.decoder(z=sampler.hmc_sampling(min(50, count - start))) for start in range(0, count, 50)]
    images_NHWC = torch.cat(parts).numpy().reshape(count, *shape)
    return np.round(np.clip(images_NHWC, 0, 1) * 255).astype(np.uint8)


if __name__ == "__main__":
    main()
