"""The columns of a score table and their meaning, shared by the table, the card and the help of the command."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Column:
    """A value that is reported for each image.

    Attributes:
        meaning: what it is, with its unit and what a null means.
    """

    name: str
    meaning: str


MEASURED = (
    Column(
        "scaled_error",
        "mean squared error of the reconstruction divided by the image's contrast (the standard deviation of its "
        "values), so that contrast or detail alone does not make an image anomalous",
    ),
    Column("absolute_error", "absolute error of the reconstruction per pixel, averaged over the image, from 0 to 1"),
    Column(
        "negative_elbo",
        "reconstruction_error + kl: an upper bound on -log p(image | class), in nats if the loss is in nats; for "
        "variants without a kl, the reconstruction_error alone, which is not a bound",
    ),
    Column("reconstruction_error", "the loss of the reconstruction, in nats if the loss is a likelihood"),
    Column(
        "kl",
        "KL divergence of the posterior from the prior, in nats: how far the image is from what the model expects; "
        "null if the variant has none",
    ),
    Column(
        "iwae_bound",
        "importance-weighted bound on -log p(image | class), in nats, tighter than negative_elbo; null if the "
        "variant has no importance weights",
    ),
)
"""Columns measured by a network for an image of its class, in the order of the table."""

LABEL_SURPRISE = Column(
    "label_surprise",
    "log-evidence of the most likely other class minus the log-evidence of the label, in nats; above 0, the model "
    "prefers another label; null if the image has no label that can be scored",
)

SCORE = Column(
    "score", "the score that the table is sorted by; higher means more anomalous; README.md states which column it is"
)

SYNTHETIC = Column("synthetic", "true for an image that a model generated or inpainted, as in the outputs of vaeaug")

LIKELIEST_CLASS = Column(
    "likeliest_class",
    "the most likely class of the image according to the model, regardless of its label; null if it cannot be "
    "determined",
)

SCORE_COLUMNS = tuple(column.name for column in (*MEASURED, LABEL_SURPRISE))
"""The columns that images can be ranked by."""

SCORE_OPTIONS = tuple(name.replace("_", "-") for name in SCORE_COLUMNS)
"""The same, as users write them."""

DEFAULT_SCORE = "scaled-error"
"""The default score that images are ranked by; docs/benchmarks.md explains the choice."""

LABEL_METHOD_AUTO = "auto"
LABEL_METHODS = (LABEL_METHOD_AUTO, "features", "evidence")
"""How labels can be scored; see `vaeaug.anomaly.label_scores`, which needs torch."""
