"""Does a weight on the total correlation lower it, and what does it cost?

    python tests/benchmarks/total_correlation.py --results /tmp/total-correlation.jsonl

Trains `beta-tc-vae` with several weights `beta` on the 600 training images of the bundled sample (Fashion-MNIST),
without classes; with `beta` 1 it is the VAE. `beta-vae` with the same weights is the control: its weight is on the
whole KL. Printed are means and standard deviations over seeds, in nats per image, of the three parts of the KL (Chen et
al. 2018, eq. 2) and of the reconstruction loss on the training images. The aggregate posterior is not estimated from
batches here: the mixture of all 600 posteriors is evaluated, at several draws from each.

A line of JSON per training goes into the results file; a training that is there is not repeated.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from vaeaug_plugins.variants.beta_tc_vae import log_aggregate

from vaeaug import ImageSpec, plugins
from vaeaug.dataset.demo import write_demo
from vaeaug.models.network import Network, build_network
from vaeaug.nn import log_normal, reparameterize
from vaeaug.training.batches import Batches, as_images
from vaeaug.training.config import TrainingConfig
from vaeaug.training.loop import fit

BATCH, DRAWS = 128, 8
NAMES = ("mutual information", "total correlation", "dimension-wise KL", "reconstruction")


def sample() -> np.ndarray:
    """Return the training images of the bundled sample, uint8 (600, 28, 28, 1)."""
    with tempfile.TemporaryDirectory() as folder:
        write_demo(Path(folder) / "demo")
        paths = sorted((Path(folder) / "demo/train").glob("*/*.png"))
        return np.stack([np.asarray(Image.open(path))[..., None] for path in paths])


def trained(task: dict[str, Any], pixels_NHWC: np.ndarray) -> Network:
    """Train a network on all images, for a fixed number of steps."""
    registry = plugins.load()
    network = build_network(
        registry.variant(task["variant"]).cls,
        {"beta": task["beta"], "latent_dim": task["latent_dim"]},
        registry.loss("gaussian").cls,
        {},
        ImageSpec(1, 28, 28),
        task["seed"],
    )
    labels_N, indices = np.zeros(len(pixels_NHWC), np.int64), np.arange(len(pixels_NHWC))
    batches = Batches(pixels_NHWC, labels_N, indices, BATCH, task["seed"], torch.device("cpu"))
    nothing = np.empty(0, np.int64)
    fit(network.variant, network.loss, batches, TrainingConfig(), steps=task["steps"], validation=nothing, seed=0)
    return network


@torch.inference_mode()
def parts(network: Network, pixels_NHWC: np.ndarray) -> dict[str, float]:
    """Return the parts of the KL of the aggregate posterior, and the reconstruction loss, in nats per image."""
    x_NCHW, y_N = as_images(pixels_NHWC, torch.device("cpu")), torch.zeros(len(pixels_NHWC), dtype=torch.int64)
    mean_ND, logvar_ND = network.variant.posterior(x_NCHW, y_N)
    generator = torch.Generator().manual_seed(0)
    rows = []
    for _ in range(DRAWS):
        z_ND = reparameterize(mean_ND, logvar_ND, generator)
        joint_N, product_N = log_aggregate(z_ND, mean_ND, logvar_ND, len(x_NCHW))
        posterior_N = log_normal(z_ND, mean_ND, logvar_ND)
        prior_N = log_normal(z_ND, torch.zeros_like(z_ND), torch.zeros_like(z_ND))
        error_N = network.loss(network.variant.decode(z_ND, y_N), x_NCHW)
        rows.append(torch.stack([posterior_N - joint_N, joint_N - product_N, product_N - prior_N, error_N]).mean(dim=1))
    return dict(zip(NAMES, torch.stack(rows).mean(dim=0).tolist(), strict=True))


def main() -> None:
    """Train what is not in the results yet, then print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--results", type=Path, required=True, help="JSON lines, one per training")
    parser.add_argument("--variants", nargs="+", default=["beta-tc-vae", "beta-vae"])
    parser.add_argument("--betas", type=float, nargs="+", default=[1.0, 4.0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--latent-dim", type=int, default=10)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    found = arguments.results.read_text().splitlines() if arguments.results.exists() else []
    rows = [json.loads(line) for line in found]
    pixels_NHWC, wanted = sample(), []
    for seed in arguments.seeds:
        for beta in arguments.betas:
            for variant in arguments.variants[: None if beta != 1 else 1]:  # with 1 all are the VAE
                task = {"variant": variant, "beta": beta, "steps": arguments.steps}
                wanted.append({**task, "latent_dim": arguments.latent_dim, "seed": seed})
    for task in wanted:
        if not any(task.items() <= row.items() for row in rows):
            rows.append({**task, **parts(trained(task, pixels_NHWC), pixels_NHWC)})
            print(rows[-1], flush=True)
            with arguments.results.open("a") as file:
                file.write(json.dumps(rows[-1]) + "\n")
    print(f"\n| variant | beta | {' | '.join(NAMES)} |\n|---|---|" + "---|" * len(NAMES))
    for variant, beta in dict.fromkeys((task["variant"], task["beta"]) for task in wanted):
        mine = [row for task in wanted for row in rows if task.items() <= row.items()]
        mine = [row for row in mine if (row["variant"], row["beta"]) == (variant, beta)]
        print(f"| `{variant}` | {beta:g} | {' | '.join(_mean([row[name] for row in mine]) for name in NAMES)} |")


def _mean(values: list[float]) -> str:
    spread = statistics.stdev(values) if len(values) > 1 else 0.0
    return f"{statistics.mean(values):.2f} +- {spread:.2f}"


if __name__ == "__main__":
    main()
