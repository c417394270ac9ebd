"""Extend a dataset: train if needed, sample, filter, export, report, and on request evaluate."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from vaeaug.errors import InputError
from vaeaug.progress import SILENT, Progress
from vaeaug.workflows.augment.augment_evaluation import AugmentEvaluation
from vaeaug.workflows.run import begin_run
from vaeaug.workflows.sample_settings import AugmentSettings
from vaeaug.workflows.settings import build, expand_user
from vaeaug.workflows.synthetic.dataset_maker import make_dataset
from vaeaug.workflows.synthetic.synthetic_dataset import AugmentResult


def augment(data: str | Path, out: str | Path, *, progress: Progress = SILENT, **settings: Any) -> AugmentResult:
    """Extend a dataset with synthetic images of every class.

    Args:
        data: the dataset: class folders, split folders, or a Hugging Face imagefolder. It is never written to.
        out: the output directory: a path that does not exist, or an empty directory.
        **settings: the options of `vaeaug augment`, with underscores; the fields of `AugmentSettings`.

    Raises:
        InputError: if the data, an option or the output directory cannot be used; nothing was changed.
        PluginError: if the plugin of the variant, the loss or the sampler is broken.
        VaeaugError: if the work failed; `resume=True` continues it.
    """
    chosen: AugmentSettings = build(AugmentSettings, settings, "vaeaug.augment")
    data, out = expand_user(data), expand_user(out)
    if chosen.evaluate and chosen.time_budget is not None:
        raise InputError(
            "--time-budget and --evaluate cannot be combined: with fewer classifiers or steps the evaluation would "
            f"measure something else; leave out --evaluate, and then run: vaeaug evaluate {data} {out}"
        )
    evaluation = AugmentEvaluation(chosen) if chosen.evaluate else None
    return make_dataset(begin_run(chosen, progress), data, out, evaluation)
