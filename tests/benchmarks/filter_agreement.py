"""How far filters agree that were trained for fewer steps, beside how far those of two seeds do.

    python tests/benchmarks/filter_agreement.py [DATA] --steps 100 300 --seeds 0 1

DATA is a dataset (by default the bundled one). The samples are real images x + s (x' - x'') of one class, with s from
0.25 to 1.5, and one in ten is an image of another class: much like what a sampler makes, without a model. Printed are
the time of each filter, the share that it drops, and the share of samples on which each pair decides alike.
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from vaeaug.dataset.cache import ImageCache
from vaeaug.dataset.demo import write_demo
from vaeaug.dataset.scan import scan
from vaeaug.progress import SILENT
from vaeaug.synthesis.chunk import SampleChunk
from vaeaug.workflows.image_data import read_for_training
from vaeaug.workflows.synthetic import sample_filter as filtering
from vaeaug.workflows.train_settings import TrainSettings

Samples = list[SampleChunk]


def samples(cache: ImageCache, per_class: int) -> Samples:
    """Return samples of every class, all of whose sources are named."""
    rng = np.random.default_rng(0)
    chunks = []
    for label in cache.classes:
        own = cache.indices("train", label)
        triples = rng.choice(own, (per_class, 3))
        x, toward, away = (cache.pixels_NHWC[triples[:, place]].astype(np.float32) for place in range(3))
        strength = rng.uniform(0.25, 1.5, (per_class, 1, 1, 1))
        pixels_BHWC = (x + strength * (toward - away)).clip(0, 255).astype(np.uint8)
        wrong = rng.random(per_class) < 0.1
        others = np.setdiff1d(cache.indices("train"), own)
        pixels_BHWC[wrong] = cache.pixels_NHWC[rng.choice(others, int(wrong.sum()))]
        sources = tuple(cache.files[index].file_name for index in triples[:, 0])
        chunks.append(SampleChunk(label, 0, pixels_BHWC, sources, "contrast"))
    return chunks


def dropped(cache: ImageCache, made: Samples, steps: int, seed: int) -> tuple[float, NDArray[np.bool_]]:
    """Train a filter; return the seconds that took and which samples it drops."""
    filtering.CONFIG = filtering.dataclasses.replace(filtering.CONFIG, steps=steps)
    with tempfile.TemporaryDirectory() as directory:
        began = time.process_time()
        judge = filtering.train_filter(
            cache, Path(directory) / "judges", seed=seed, device=torch.device("cpu"), workers=1, progress=SILENT
        )
        seconds = time.process_time() - began
        assert judge is not None
        return seconds, np.array([verdict is not None for chunk in made for verdict in judge.verdicts(chunk)])


def main() -> None:
    """Train the filters and print how far they agree."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", nargs="?", type=Path)
    parser.add_argument("--steps", type=int, nargs="+", default=[100, 300])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--per-class", type=int, default=100, help="samples")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        data = chosen.data or write_demo(Path(directory) / "demo").directory
        cache = read_for_training(scan(data), TrainSettings(workers=1), SILENT).cache
        made = samples(cache, chosen.per_class)
        found = {}
        for steps, seed in itertools.product(chosen.steps, chosen.seeds):
            seconds, found[steps, seed] = dropped(cache, made, steps, seed)
            print(
                f"{steps} steps, seed {seed}: {seconds:.1f} s of processor time, drops {found[steps, seed].mean():.1%}"
            )
        for one, other in itertools.combinations(found, 2):
            print(f"{one} and {other}: {(found[one] == found[other]).mean():.1%} alike")


if __name__ == "__main__":
    main()
