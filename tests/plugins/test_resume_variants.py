"""Every shipped variant, killed while it trains and taken up again, ends with the same bits: none has hidden state."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from shipped_plugins import VARIANTS
from toy_training import SPEC, batches, same, weights
from vaeaug_plugins.losses.gaussian import Gaussian

from vaeaug.models.network import build_network
from vaeaug.training.batches import Batches
from vaeaug.training.config import TrainingConfig
from vaeaug.training.loop import fit

CASES: list[tuple[str, dict[str, Any], float]] = [
    *((name, {}, 0.0) for name in VARIANTS),
    ("vq-vae", {"quantizer": "ema"}, 0.0),
    *((name, {}, 1.0) for name in ("hvae", "iwae", "vae-gan", "vamp-vae", "beta-tc-vae")),
]
"""Variant, options, and weight of the consistency term."""


class KilledError(Exception):
    """Stands for a killed process."""


class Mortal(Batches):
    """Batches that kill the training at step 17, between two checkpoints."""

    def get(self, step: int) -> Any:
        if step == 17:
            raise KilledError
        return super().get(step)


def trained(name: str, options: dict[str, Any], consistency: float, path: Path | None, *, mortal: bool = False) -> Any:
    network = build_network(VARIANTS[name], {**VARIANTS[name].small_options, **options}, Gaussian, {}, SPEC, 0)
    used = batches()
    if mortal:
        used = Mortal(used.pixels_NHWC, used.labels_N, used.indices, used.size, used.seed, used.device)
    used.indices, used.copy_augment = used.indices[16:], lambda pixels_BHWC, _: pixels_BHWC[:, :, ::-1]
    result = fit(
        network.variant,
        network.loss,
        used,
        TrainingConfig(patience=0, consistency=consistency),
        steps=25,
        validation=np.arange(16),
        seed=3,
        checkpoint=path,
        validate_every=5,
        checkpoint_seconds=0.0,
    )
    kept = weights(network.variant) | {f"loss.{name}": value for name, value in weights(network.loss).items()}
    return kept, result.history


@pytest.mark.parametrize(("name", "options", "consistency"), CASES)
def test_a_killed_training_goes_on_as_if_nothing_had_been(
    name: str, options: dict[str, Any], consistency: float, tmp_path: Path
) -> None:
    (kept, history), path = trained(name, options, consistency, None), tmp_path / "checkpoint.safetensors"
    with pytest.raises(KilledError):
        trained(name, options, consistency, path, mortal=True)
    assert path.exists()
    kept_again, history_again = trained(name, options, consistency, path)
    assert same(kept_again, kept)
    assert ("consistency" in history[-1]["validation"]) is (consistency > 0)
    assert history_again == history  # also where the weights that are kept are earlier ones
