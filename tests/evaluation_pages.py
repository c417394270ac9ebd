"""A report with everything on it, for tests."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from vaeaug.evaluation.embedding import Embedded
from vaeaug.evaluation.embedding_map import embedding_map
from vaeaug.evaluation.fidelity import measure_fidelity
from vaeaug.evaluation.memorisation import measure_memorisation
from vaeaug.export.card import ClassCount
from vaeaug.pages.class_samples import SampleRow
from vaeaug.pages.dataset_report import ReportData
from vaeaug.pages.embedded_images import PageImage
from vaeaug.pages.evaluation_results import ArmRow, EvaluationResults, PairPicture, RecallRow, Score
from vaeaug.pages.training_curves import History


def embedded(count: int, classes: int, seed: int) -> Embedded:
    rng = np.random.default_rng(seed)
    labels_N = np.arange(count) % classes
    features_NF = (rng.normal(size=(count, 6)) + labels_N[:, None]).astype(np.float32)
    return Embedded(rng.integers(0, 256, (count, 12, 16, 1), dtype=np.uint8), features_NF, labels_N)


def page_images(images: Iterable[NDArray[np.uint8]]) -> list[PageImage]:
    return [PageImage(pixels_HWC) for pixels_HWC in images]


def history(name: str, steps: int = 20) -> History:
    return History(
        name,
        [
            {
                "step": 10 * step,
                "train": {} if step == 0 else {"reconstruction": 300.0 / step, "kl": 5.0},
                "validation": {"reconstruction": 400.0 - step, "kl": 6.0},
            }
            for step in range(steps)
        ],
    )


def full_page(names: list[str], decision: str = "helps") -> ReportData:
    """Return a report on which every name is used wherever one can stand."""
    return ReportData(
        title=names[0],
        summary="Images were added.",
        counts=[ClassCount(name, 12, 30, test=20) for name in names],
        histories=[history(name) for name in names],
        units=dict.fromkeys(names, (3, 16)),
        facts={name: name for name in names},
        dropped={name: {"another class": 3, "near copy": index} for index, name in enumerate(names)},
        rejected={name: {"another class": page_images(embedded(3, 1, seed=9).pixels_NHWC)} for name in names},
        settings={name: name for name in names},
        command=f"vaeaug augment real {names[0]}",
        warnings=names[:1],
        linked_files=dict.fromkeys(names, "is beside it"),
        evaluation=full_part(names, decision),
    )


def full_part(names: list[str], decision: str = "helps") -> EvaluationResults:
    """Return what is found by an evaluation."""
    real, synthetic, held_out = (embedded(12 * len(names), len(names), seed) for seed in range(3))
    found = measure_memorisation("features", real, synthetic, names, held_out=held_out)
    return EvaluationResults(
        verdict="The synthetic images help: they add +1.4 +- 0.5 points of accuracy over classical augmentation.",
        decision=decision,
        method="Tested on 120 images.",
        facts={"Test images": 120},
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
                PageImage(synthetic.pixels_NHWC[pair.synthetic]),
                PageImage(real.pixels_NHWC[pair.real]),
                f"{names[0]}/{pair.real}.png",
                pair.distance,
            )
            for pair in found.pairs
        ],
        samples=[
            SampleRow(
                name,
                page_images(synthetic.pixels_NHWC[[pair.synthetic for pair in found.samples[name]]]),
                page_images(real.pixels_NHWC[[pair.real for pair in found.samples[name]]]),
                synthetic_count=30,
                real_count=12,
            )
            for name in names
        ],
        map=embedding_map("features", real, synthetic, names, seed=0, method="pca"),
        settings={name: name for name in names},
        warnings=names[1:],
    )
