"""An evaluation page with everything on it, for tests."""

from __future__ import annotations

import numpy as np

from vaeaug.evaluation.embedding import Embedded
from vaeaug.evaluation.embedding_map import embedding_map
from vaeaug.evaluation.evaluation_page import ArmRow, EvaluationPage, PairPicture, RecallRow, Score
from vaeaug.evaluation.fidelity import measure_fidelity
from vaeaug.evaluation.memorisation import measure_memorisation
from vaeaug.evaluation.strip import ContactRow
from vaeaug.export.card import ClassCount


def embedded(count: int, classes: int, seed: int) -> Embedded:
    rng = np.random.default_rng(seed)
    labels_N = np.arange(count) % classes
    features_NF = (rng.normal(size=(count, 6)) + labels_N[:, None]).astype(np.float32)
    return Embedded(rng.integers(0, 256, (count, 12, 16, 1), dtype=np.uint8), features_NF, labels_N)


def full_page(names: list[str], decision: str = "helps") -> EvaluationPage:
    """Return a page on which every name is used wherever one can stand."""
    real, synthetic, held_out = (embedded(12 * len(names), len(names), seed) for seed in range(3))
    found = measure_memorisation("features", real, synthetic, names, held_out=held_out)
    return EvaluationPage(
        title=names[0],
        verdict="The synthetic images help: they add +1.4 +- 0.5 points of accuracy over classical augmentation.",
        decision=decision,
        method="Tested on 120 images.",
        facts={name: name for name in names},
        arms=[
            ArmRow(name, {"accuracy": Score(0.8, 0.01), "macro-F1": Score(0.79, 0.02)}, [0.79, 0.8, 0.81], index == 0)
            for index, name in enumerate(names)
        ],
        recall=[RecallRow(name, 120, 0.7, 0.7 + 0.01 * index, 0.02) for index, name in enumerate(names)],
        recall_of=(names[0], names[-1]),
        fidelity=measure_fidelity(names[0], real, synthetic, names, held_out=held_out),
        memorisation=found,
        pairs=[
            PairPicture(
                names[synthetic.labels_N[pair.synthetic]],
                synthetic.pixels_NHWC[pair.synthetic],
                real.pixels_NHWC[pair.real],
                f"{names[0]}/{pair.real}.png",
                pair.distance,
            )
            for pair in found.pairs
        ],
        samples=[
            ContactRow(
                name,
                [real.pixels_NHWC[pair.real] for pair in found.samples[name]],
                [synthetic.pixels_NHWC[pair.synthetic] for pair in found.samples[name]],
            )
            for name in names
        ],
        map=embedding_map("features", real, synthetic, names, seed=0, method="pca"),
        counts=[ClassCount(name, 12, 30) for name in names],
        dropped={name: {"another class": 3, "near copy": index} for index, name in enumerate(names)},
        settings={name: name for name in names},
        command=f"vaeaug evaluate real {names[0]}",
        warnings=list(names),
    )
