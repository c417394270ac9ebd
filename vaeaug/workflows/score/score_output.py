"""The files beside a table of scores: the page, the record and the card."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

import vaeaug
from vaeaug.anomaly.columns import LABEL_SURPRISE, LIKELIEST_CLASS, MEASURED, SCORE, SYNTHETIC, Column
from vaeaug.anomaly.score_images import reconstruct
from vaeaug.anomaly.table import ImageScores
from vaeaug.export.score_card import ScoreCard, write_score_card
from vaeaug.models.store import StoredModel
from vaeaug.pages.anomaly_gallery import Gallery, GalleryCard, heat, resized_to_file, write_gallery
from vaeaug.pages.embedded_images import PageImage, Picture
from vaeaug.training.batches import as_pixels
from vaeaug.workflows.image_data import ModelData
from vaeaug.workflows.run import Run
from vaeaug.workflows.score.score_settings import ScoreSettings

TYPICAL_BY = "scaled_error"
"""The column by which an image is like the others of its class."""


@dataclass(frozen=True, slots=True)
class AnomalyScores:
    """The scores of a dataset.

    Attributes:
        label_method: how labels were scored: `features`, `evidence` or `nobody`.
    """

    model: StoredModel
    data: ModelData
    images: ImageScores
    by: str
    label_method: str

    @property
    def suspicious(self) -> int:
        """Number of labels that are less likely than another one."""
        return int((self.images.label_scores.label_surprise_N > 0).sum())


def write_root(run: Run[ScoreSettings], scores: AnomalyScores) -> None:
    """Write the page, the record and the card. The same work gives the same bytes."""
    write_gallery(run.content / "gallery.html", _gallery(run, scores))
    run.write_record(
        "score",
        model=scores.model.record,
        data_fingerprint=scores.data.cache.fingerprint,
        images=len(scores.data.cache),
        by=scores.by,
        judge=scores.label_method,
        suspicious_labels=scores.suspicious,
        columns=_columns(scores),
        passed_over=scores.data.passed_over,
        invalid=scores.data.cache.invalid,
    )
    card = ScoreCard(
        run.title,
        len(scores.data.cache),
        _columns(scores),
        run.settings.maps,
        _settings(run, scores),
        run.warnings,
    )
    write_score_card(run.content / "README.md", card)


def _columns(scores: AnomalyScores) -> dict[str, str]:
    score = Column(SCORE.name, f"{scores.by}, higher is more anomalous; rows are sorted by it")
    return {column.name: column.meaning for column in (SYNTHETIC, score, *MEASURED, LABEL_SURPRISE, LIKELIEST_CLASS)}


def _settings(run: Run[ScoreSettings], scores: AnomalyScores) -> dict[str, object]:
    record = scores.model.record
    return {
        "score": scores.by,
        "labels scored by": scores.label_method,
        "variant": record.variant.name,
        "reconstruction loss": record.loss.name,
        "scope": record.scope,
        "model size": f"{record.height} x {record.width} x {record.channels}",
        "draws per image": run.settings.draws,
        "seed": run.settings.seed,
        "model": record.fingerprint,
        "vaeaug": vaeaug.__version__,
    }


def _gallery(run: Run[ScoreSettings], scores: AnomalyScores) -> Gallery:
    images, max_cards = scores.images, run.settings.gallery
    surprise_N = images.label_scores.label_surprise_N
    ranked = [
        position
        for position in images.ranked(scores.by)[:max_cards]
        if not np.isnan(images.column(scores.by)[position])
    ]
    suspicious = [position for position in images.ranked(LABEL_SURPRISE.name)[:max_cards] if surprise_N[position] > 0]
    typical = _typical(images) if suspicious else {}
    number = len(scores.data.cache)
    labels = f", {scores.suspicious:,} with a suspicious label" if scores.suspicious else ""
    meaning = next(column.meaning for column in (*MEASURED, LABEL_SURPRISE) if column.name == scores.by)
    return Gallery(
        title=run.title,
        summary=f"{number:,} {'image' if number == 1 else 'images'}, ranked by anomaly score{labels}.",
        by=f"Ranked by {_words(scores.by)}: {meaning}.",
        images=number,
        anomalous=[_anomalous_card(run, scores, position) for position in ranked],
        labels=[_suspicious_card(run, scores, position, typical) for position in suspicious],
        suspicious=scores.suspicious,
        size=f"{scores.model.record.height} x {scores.model.record.width}",
        settings=_settings(run, scores),
        warnings=run.warnings,
    )


def _anomalous_card(run: Run[ScoreSettings], scores: AnomalyScores, position: int) -> GalleryCard:
    images = scores.images
    measured_as = int(images.measured_as_N[position])
    pixels_HWC = np.asarray(scores.data.cache.pixels_NHWC[position])
    measures = reconstruct(scores.model, pixels_HWC, measured_as)
    label, likeliest = images.labels[position], images.likeliest(position)
    prediction = f"looks like {likeliest}" if likeliest and likeliest != label else ""
    parts = [f"labelled {label}" if label else "no label", *([prediction] if prediction else [])]
    # A variant without a KL has no ELBO, but the reconstruction's part of it.
    bound = "reconstruction_error" if np.isnan(images.column("kl")[position]) else "negative_elbo"
    names = [scores.by, *(name for name in ("scaled_error", bound, "kl") if name != scores.by)]
    return GalleryCard(
        images.file_names[position],
        ", ".join(parts),
        (
            _picture(run, scores, "image", position),
            _model_picture(scores, "reconstruction", position, as_pixels(measures.image_BCHW)[0]),
            _model_picture(scores, "error", position, heat(measures.error_BHW[0].numpy())),
        ),
        _numbers(images, position, names),
    )


def _suspicious_card(
    run: Run[ScoreSettings], scores: AnomalyScores, position: int, typical: Mapping[str, int]
) -> GalleryCard:
    images = scores.images
    label, likeliest = images.labels[position], images.likeliest(position)
    typical_pictures = [
        _picture(run, scores, f"typical {name}", typical[name]) for name in (label, likeliest) if name in typical
    ]
    return GalleryCard(
        images.file_names[position],
        f"labeled {label}, looks like {likeliest}",
        (_picture(run, scores, "image", position), *typical_pictures),
        _numbers(images, position, [LABEL_SURPRISE.name]),
    )


def _picture(run: Run[ScoreSettings], scores: AnomalyScores, caption: str, position: int) -> Picture:
    name = scores.images.file_names[position]
    rules = scores.model.record.rules(run.settings.max_megapixels)
    return Picture(caption, PageImage(scores.data.paths[name], name=name, rules=rules), "real")


def _model_picture(scores: AnomalyScores, caption: str, position: int, pixels_HWC: NDArray[np.uint8]) -> Picture:
    file = scores.data.cache.files[position]
    return Picture(caption, PageImage(resized_to_file(pixels_HWC, file.height, file.width)))


def _typical(images: ImageScores) -> dict[str, int]:
    """Return for each class the position of a typical image.

    It has the median score among the half of the labels that surprise least, so it is neither mislabelled nor a
    cartoon.
    """
    surprise_N, labels_N = images.label_scores.label_surprise_N, np.array(images.labels)
    typical = {}
    for name in images.classes:
        in_class = np.flatnonzero((labels_N == name) & ~np.isnan(surprise_N))
        if len(in_class):
            least_surprising = in_class[surprise_N[in_class] <= np.median(surprise_N[in_class])]
            ranked = least_surprising[np.argsort(images.column(TYPICAL_BY)[least_surprising], kind="stable")]
            typical[name] = int(ranked[len(ranked) // 2])
    return typical


def _numbers(images: ImageScores, position: int, names: Iterable[str]) -> Mapping[str, str]:
    """Return numbers of an image, as text; missing ones are left out."""
    values = {name: float(images.column(name)[position]) for name in names}
    return {_words(name): shown_number(value) for name, value in values.items() if not np.isnan(value)}


def shown_number(value: float) -> str:
    """Return a number with four digits, or all before the decimal point; never as a power of ten."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def _words(name: str) -> str:
    return name.replace("_", " ").replace("elbo", "ELBO").replace("iwae", "IWAE").replace("kl", "KL")
