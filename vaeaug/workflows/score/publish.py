"""What stands beside a table of scores: the page, the record and the card."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

import vaeaug
from vaeaug.anomaly.columns import LIKELIEST, MEASURED, SCORE, SURPRISE, SYNTHETIC, Column
from vaeaug.anomaly.score_images import reconstruct
from vaeaug.anomaly.table import ScoredImages
from vaeaug.export.record import RECORD, command_record, write_record
from vaeaug.export.score_card import ScoreCard, write_score_card
from vaeaug.models.store import StoredModel
from vaeaug.pages.anomaly_gallery import Gallery, GalleryCard, heat, stretched, write_gallery
from vaeaug.pages.embedded_images import PageImage, Picture
from vaeaug.staging import Staging
from vaeaug.training.batches import as_pixels
from vaeaug.workflows.read import ModelData
from vaeaug.workflows.score.settings import ScoreSettings
from vaeaug.workflows.settings import public_settings

TYPICAL_BY = "scaled_error"
"""The column by which an image is like the others of its class."""


@dataclass(frozen=True, slots=True)
class Scored:
    """What was scored, and how.

    Attributes:
        staging: where it is being built.
        model: that scored it.
        read: the images.
        images: the scores.
        by: the column that is the score.
        judge: who judged the labels.
        settings: what was asked for.
        remarks: what the user should know.
    """

    staging: Staging
    model: StoredModel
    read: ModelData
    images: ScoredImages
    by: str
    judge: str
    settings: ScoreSettings
    remarks: Sequence[str]

    @property
    def suspicious(self) -> int:
        """How many labels are less likely than another."""
        return int((self.images.judgement.label_surprise_N > 0).sum())


def write_root(scored: Scored) -> None:
    """Write the page, the record and the card. The same work gives the same bytes."""
    content = scored.staging.content
    write_gallery(content / "gallery.html", _gallery(scored))
    write_record(
        content / RECORD,
        command_record(
            "score",
            public_settings(scored.settings),
            model=scored.model.record,
            data_fingerprint=scored.read.cache.fingerprint,
            images=len(scored.read.cache),
            by=scored.by,
            judge=scored.judge,
            suspicious_labels=scored.suspicious,
            columns=_columns(scored),
            passed_over=scored.read.passed_over,
            invalid=scored.read.cache.invalid,
            remarks=scored.remarks,
        ),
    )
    card = ScoreCard(
        scored.staging.final.name,
        len(scored.read.cache),
        _columns(scored),
        scored.settings.maps,
        _settings(scored),
        scored.remarks,
    )
    write_score_card(content / "README.md", card)


def _columns(scored: Scored) -> dict[str, str]:
    """Return the meaning of each column, in the order of the table."""
    score = Column(SCORE.name, f"{scored.by}, higher is more anomalous; rows are sorted by it")
    return {column.name: column.meaning for column in (SYNTHETIC, score, *MEASURED, SURPRISE, LIKELIEST)}


def _settings(scored: Scored) -> dict[str, object]:
    """Return how the scores were made, in words."""
    record = scored.model.record
    return {
        "score": scored.by,
        "labels scored by": scored.judge,
        "variant": record.variant.name,
        "reconstruction loss": record.loss.name,
        "scope": record.scope,
        "model size": f"{record.height} x {record.width} x {record.channels}",
        "draws per image": scored.settings.draws,
        "seed": scored.settings.seed,
        "model": record.fingerprint,
        "vaeaug": vaeaug.__version__,
    }


def _gallery(scored: Scored) -> Gallery:
    """Gather what the page shows."""
    images, most = scored.images, scored.settings.gallery
    surprise_N = images.judgement.label_surprise_N
    ranked = [place for place in images.ranked(scored.by)[:most] if not np.isnan(images.number(scored.by)[place])]
    doubted = [place for place in images.ranked(SURPRISE.name)[:most] if surprise_N[place] > 0]
    typical = _typical(images) if doubted else {}
    number = len(scored.read.cache)
    labels = f", {scored.suspicious:,} with a suspicious label" if scored.suspicious else ""
    meaning = next(column.meaning for column in (*MEASURED, SURPRISE) if column.name == scored.by)
    return Gallery(
        title=scored.staging.final.name,
        summary=f"{number:,} {'image' if number == 1 else 'images'}, ranked by anomaly score{labels}.",
        by=f"Ranked by {_words(scored.by)}: {meaning}.",
        images=number,
        anomalous=[_anomalous(scored, place) for place in ranked],
        labels=[_doubted(scored, place, typical) for place in doubted],
        suspicious=scored.suspicious,
        size=f"{scored.model.record.height} x {scored.model.record.width}",
        settings=_settings(scored),
        warnings=scored.remarks,
    )


def _anomalous(scored: Scored, place: int) -> GalleryCard:
    """Return an image, its reconstruction, and where they differ."""
    images = scored.images
    measured_as = int(images.measured_as_N[place])
    pixels_HWC = np.asarray(scored.read.cache.pixels_NHWC[place])
    measures = reconstruct(scored.model, pixels_HWC, measured_as)
    label, likeliest = images.labels[place], images.likeliest(place)
    says = f"looks like {likeliest}" if likeliest and likeliest != label else ""
    parts = [f"labeled {label}" if label else "no label", *([says] if says else [])]
    # A variant without a KL has no ELBO, but the reconstruction's part of it.
    bound = "reconstruction_error" if np.isnan(images.number("kl")[place]) else "negative_elbo"
    names = [scored.by, *(name for name in ("scaled_error", bound, "kl") if name != scored.by)]
    return GalleryCard(
        images.file_names[place],
        ", ".join(parts),
        (
            _picture(scored, "image", place),
            _stretched(scored, "reconstruction", place, as_pixels(measures.image_BCHW)[0]),
            _stretched(scored, "error", place, heat(measures.error_BHW[0].numpy())),
        ),
        _numbers(images, place, names),
    )


def _doubted(scored: Scored, place: int, typical: Mapping[str, int]) -> GalleryCard:
    """Return an image, and typical ones of its label and of its likeliest class beside it."""
    images = scored.images
    label, likeliest = images.labels[place], images.likeliest(place)
    beside = [_picture(scored, f"typical {name}", typical[name]) for name in (label, likeliest) if name in typical]
    return GalleryCard(
        images.file_names[place],
        f"labeled {label}, looks like {likeliest}",
        (_picture(scored, "image", place), *beside),
        _numbers(images, place, [SURPRISE.name]),
    )


def _picture(scored: Scored, caption: str, place: int) -> Picture:
    """Return an image from its file."""
    name = scored.images.file_names[place]
    rules = scored.model.record.rules(scored.settings.max_megapixels)
    return Picture(caption, PageImage(scored.read.paths[name], name=name, rules=rules), "real")


def _stretched(scored: Scored, caption: str, place: int, pixels_HWC: NDArray[np.uint8]) -> Picture:
    """Return what the model made of an image, with the proportions of its file."""
    file = scored.read.cache.files[place]
    return Picture(caption, PageImage(stretched(pixels_HWC, file.height, file.width)))


def _typical(images: ScoredImages) -> dict[str, int]:
    """Return for each class the place of an image that shows what it is like.

    That of the median score, of those whose label surprises less than most: neither a wrong one nor a cartoon.
    """
    surprise_N, labels_N = images.judgement.label_surprise_N, np.array(images.labels)
    typical = {}
    for name in images.classes:
        mine = np.flatnonzero((labels_N == name) & ~np.isnan(surprise_N))
        if len(mine):
            sure = mine[surprise_N[mine] <= np.median(surprise_N[mine])]
            ranked = sure[np.argsort(images.number(TYPICAL_BY)[sure], kind="stable")]
            typical[name] = int(ranked[len(ranked) // 2])
    return typical


def _numbers(images: ScoredImages, place: int, names: Iterable[str]) -> Mapping[str, str]:
    """Return numbers of an image, as text; those it has none of are left out."""
    values = {name: float(images.number(name)[place]) for name in names}
    return {_words(name): f"{value:,.4g}" for name, value in values.items() if not np.isnan(value)}


def _words(name: str) -> str:
    """Return a column's name as words."""
    return name.replace("_", " ").replace("elbo", "ELBO").replace("iwae", "IWAE").replace("kl", "KL")
