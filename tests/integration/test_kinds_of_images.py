"""What six readers decode of an output: every file, real and synthetic images alike, and the pixels that we decode."""

from __future__ import annotations

import csv
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import awkward_images as awkward
import numpy as np
import pytest
from numpy.typing import NDArray

import vaeaug
from vaeaug.dataset.decode import decode_full
from vaeaug.models.record import read_record

Decoded = dict[str, NDArray[Any]]  # name relative to OUT/train -> pixels (H, W) or (H, W, C)

INDEXED = "palette with transparency"
PLAIN = (
    "jpeg",
    "rgba beside rgb",
    "palette with transparency",
    "exif",
    "wide gamut",
    "pages",
    "webp",
    "gray beside rgb",
)
DEEP = ("12 bits", "float tiff")
QUICK: dict[str, Any] = {
    "steps": 2, "filter": False, "per_class": 6, "workers": 1, "variant_options": {"width": 16, "latent_dim": 4},
}  # fmt: skip


@pytest.fixture(scope="module")
def outs(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    root = tmp_path_factory.mktemp("kinds")

    def out(kind: str) -> Path:
        if not (root / "out" / kind).exists():
            for split in ("train", "test"):
                awkward.write_kind(root / "data" / kind, kind, split)
            vaeaug.augment(root / "data" / kind, root / "out" / kind, model=root / "model" / kind, **QUICK)
        return root / "out" / kind

    return out


def torchvision_images(folder: Path) -> Decoded:
    from torchvision.datasets import ImageFolder

    found = ImageFolder(str(folder))
    return {name_of(path, folder): np.asarray(found[i][0]) for i, (path, _) in enumerate(found.samples)}


def hugging_face_images(folder: Path) -> Decoded:
    datasets = pytest.importorskip("datasets")
    with tempfile.TemporaryDirectory() as cache:
        data = datasets.load_dataset("imagefolder", data_dir=str(folder), split="train", cache_dir=cache)
        paths = [row["path"] for row in data.cast_column("image", datasets.Image(decode=False))["image"]]
        return {name_of(path, folder): np.asarray(row["image"]) for path, row in zip(paths, data, strict=True)}


def timm_images(folder: Path) -> Decoded:
    timm_data = pytest.importorskip("timm.data")
    found = timm_data.create_dataset("folder", str(folder))
    return {Path(found.filename(i)).as_posix(): np.asarray(found[i][0]) for i in range(len(found))}


def keras_images(folder: Path) -> Decoded:
    os.environ.setdefault("KERAS_BACKEND", "torch")
    keras = pytest.importorskip("keras")
    pytest.importorskip("grain")
    found = keras.utils.image_dataset_from_directory(
        str(folder), format="grain", batch_size=1, shuffle=False, image_size=(awkward.SIDE, awkward.SIDE), verbose=False
    )
    images = [np.asarray(batch[0])[0] for batch in found]
    return {name_of(path, folder): image for path, image in zip(found.file_paths, images, strict=True)}


def ultralytics_images(folder: Path) -> Decoded:
    os.environ.setdefault("YOLO_CONFIG_DIR", tempfile.mkdtemp())
    module = pytest.importorskip("ultralytics.data.dataset")
    from ultralytics.cfg import get_cfg

    found = module.ClassificationDataset(str(folder), args=get_cfg(overrides={"imgsz": awkward.SIDE}))
    found.torch_transforms = np.asarray  # the picture as it was read
    return {name_of(sample[0], folder): found[i]["img"] for i, sample in enumerate(found.samples)}


def fastai_images(folder: Path) -> Decoded:
    vision = pytest.importorskip("fastai.vision.all")
    return {name_of(path, folder): np.asarray(vision.PILImage.create(path)) for path in vision.get_image_files(folder)}


READERS = [torchvision_images, hugging_face_images, timm_images, keras_images, ultralytics_images, fastai_images]


def name_of(path: str | Path, folder: Path) -> str:
    return Path(path).resolve().relative_to(folder.resolve()).as_posix()


def manifest(out: Path) -> dict[str, dict[str, str]]:
    with (out / "manifest.csv").open(encoding="utf-8", newline="") as file:
        return {row["file_name"]: row for row in csv.DictReader(file)}


def by_kind(out: Path, images: Decoded, label: str, split: str) -> tuple[list[NDArray[Any]], list[NDArray[Any]]]:
    """The real and the synthetic images of a class."""
    rows = {name: row for name, row in manifest(out).items() if row["split"] == split and row["label"] == label}
    parts: tuple[list[NDArray[Any]], list[NDArray[Any]]] = [], []
    for name, row in rows.items():
        parts[row["synthetic"] == "true"].append(images[name.removeprefix(f"{split}/")].astype(float))
    return parts


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("kind", PLAIN)
def test_every_reader_sees_every_file_and_real_and_synthetic_images_alike(
    outs: Callable[[str], Path], kind: str, reader: Callable[[Path], Decoded]
) -> None:
    out = outs(kind)
    rules = read_record(out.parents[1] / "model" / kind).rules()
    for split in ("train", "test"):
        images = reader(out / split)
        assert images.keys() == {name_of(p, out / split) for p in (out / split).rglob("*.*") if p.suffix != ".cache"}
        if reader is hugging_face_images and kind == INDEXED:  # it gives indices of the colour table
            continue
        for name, image in images.items():
            own = decode_full((out / split / name).read_bytes(), rules).eight_bit()
            assert np.abs(image - own).mean() < 1.5  # decoders of JPEG round differently
    for label in awkward.CLASSES:
        real, synthetic = by_kind(out, reader(out / "train"), label, "train")
        assert len(real) == len(synthetic) == awkward.IMAGES
        assert {image.shape for image in real} == {image.shape for image in synthetic}
        if kind != INDEXED:  # of these two steps of training draw no likeness
            assert abs(np.mean(real) - np.mean(synthetic)) < 12
            assert np.abs(np.mean(real, axis=0) - np.mean(synthetic, axis=0)).mean() < 20  # upright, on one ground


@pytest.mark.parametrize("kind", DEEP)
def test_16_bit_images_have_one_range(outs: Callable[[str], Path], kind: str) -> None:
    out = outs(kind)
    images = hugging_face_images(out / "train")
    for label in awkward.CLASSES:
        real, synthetic = by_kind(out, images, label, "train")
        assert {image.shape for image in (*real, *synthetic)} == {(awkward.SIDE, awkward.SIDE)}
        low, high = np.min(real), np.max(real)
        assert low <= np.min(synthetic)
        assert np.max(synthetic) <= high
        assert abs(np.mean(real) - np.mean(synthetic)) < 0.05 * (high - low)
        assert np.unique(synthetic).size > 256  # not 8 bits, stretched
    assert all(image.dtype == np.uint16 for image in images.values())


@pytest.mark.parametrize("reader", READERS)
def test_every_reader_lists_16_bit_images_and_sees_both_kinds_alike(
    outs: Callable[[str], Path], reader: Callable[[Path], Decoded]
) -> None:
    out = outs("float tiff")
    for label in awkward.CLASSES:
        real, synthetic = by_kind(out, reader(out / "train"), label, "train")
        assert len(real) == len(synthetic) == awkward.IMAGES
        span = np.ptp(real) or 1.0
        assert abs(np.mean(real) - np.mean(synthetic)) < 0.1 * span


def test_a_drawn_image_of_16_bits_is_of_the_class_s_range(outs: Callable[[str], Path], tmp_path: Path) -> None:
    out = outs("12 bits")
    vaeaug.sample(out.parents[1] / "model" / "12 bits", tmp_path / "drawn", per_class=3, sampler="mixture")
    real, _ = by_kind(out, hugging_face_images(out / "train"), "ant", "train")
    drawn = [
        np.asarray(image) for name, image in hugging_face_images(tmp_path / "drawn" / "train").items() if "ant" in name
    ]
    assert {image.dtype for image in drawn} == {np.dtype(np.uint16)}
    assert np.min(real) <= np.min(drawn)
    assert np.max(drawn) <= np.max(real)
    assert np.unique(drawn).size > 256


def test_transparency_is_kept_in_both_kinds(outs: Callable[[str], Path], tmp_path: Path) -> None:
    source = outs("rgba beside rgb").parents[1] / "data" / "rgba beside rgb"
    vaeaug.augment(source, tmp_path / "out", keep_alpha=True, **QUICK)
    images = hugging_face_images(tmp_path / "out" / "train")
    for label in awkward.CLASSES:
        real, synthetic = by_kind(tmp_path / "out", images, label, "train")
        assert {image.shape[2] for image in (*real, *synthetic)} == {4}
        rows = [row for row in manifest(tmp_path / "out").values() if row["synthetic"] == "true"]
        for row in rows:
            made = images[row["file_name"].removeprefix("train/")]
            origin = images[row["source"].removeprefix("train/")]
            assert np.array_equal(made[..., 3], origin[..., 3])


@pytest.mark.parametrize("kind", ["rgba beside rgb", "exif"])
def test_a_classifier_trained_through_a_reader_agrees_with_one_trained_through_our_cache(
    outs: Callable[[str], Path], kind: str
) -> None:
    """On the same pictures a nearest-mean classifier decides the same, whoever decodes its training images."""
    from dataset_files import build

    out = outs(kind)
    with tempfile.TemporaryDirectory() as place:
        cache = build(out, Path(place), image_size=(awkward.SIDE, awkward.SIDE))
        train, test = cache.indices("train"), cache.indices("test")
        ours = {cache.files[i].file_name: np.asarray(cache.pixels_NHWC[i], float) for i in (*train, *test)}
    theirs = {
        f"{split}/{name}": image.astype(float)
        for split in ("train", "test")
        for name, image in torchvision_images(out / split).items()
    }
    assert ours.keys() == theirs.keys()
    decided = [nearest_mean(images) for images in (ours, theirs)]
    assert decided[0] == decided[1]
    right = [name.split("/")[1] == label for name, label in decided[1].items()]
    assert np.mean(right) > 0.7  # of one kind, half of the images have another ground than the others


def nearest_mean(images: dict[str, NDArray[Any]]) -> dict[str, str]:
    """Decide on the test images by the mean training image of each class."""
    means = {
        label: np.mean([image for name, image in images.items() if name.startswith(f"train/{label}/")], axis=0)
        for label in awkward.CLASSES
    }
    return {
        name: min(means, key=lambda label: float(((image - means[label]) ** 2).sum()))
        for name, image in images.items()
        if name.startswith("test/")
    }
