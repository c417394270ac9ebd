"""Albumentations pipelines from a file."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"
A = pytest.importorskip("albumentations")

from vaeaug.dataset.augment import classical_pipeline, load_pipeline  # noqa: E402
from vaeaug.errors import InputError  # noqa: E402

SEEDS = range(24)


def batch(channels, count=24):
    return np.random.default_rng(0).integers(0, 256, (count, 12, 10, channels), dtype=np.uint8)


def saved(tmp_path: Path, transforms, name="pipeline.yaml"):
    path = tmp_path / name
    pipeline = A.Compose(transforms) if isinstance(transforms, list) else transforms
    A.save(pipeline, path, data_format="json" if name.endswith("json") else "yaml")
    return load_pipeline(path)


@pytest.mark.parametrize("name", ["p.yaml", "p.yml", "p.json", "P.JSON"])
def test_files_of_either_format(tmp_path, name):
    path = tmp_path / name
    A.save(A.Compose([A.HorizontalFlip(p=1)]), path, data_format="json" if name.lower().endswith("json") else "yaml")
    x = batch(3)
    assert (load_pipeline(path)(x, SEEDS) == x[:, :, ::-1]).all()


def test_a_single_transform_is_a_pipeline(tmp_path):
    x = batch(1)
    assert (saved(tmp_path, A.VerticalFlip(p=1))(x, SEEDS) == x[:, ::-1]).all()


@pytest.mark.parametrize("channels", [1, 3])
def test_an_image_and_its_seed_decide_its_result(tmp_path, channels):
    transforms = [A.HorizontalFlip(), A.Rotate(30), A.OneOf([A.GaussNoise(p=1), A.CoarseDropout(p=1)], p=0.8)]
    pipeline = saved(tmp_path, transforms)
    x = batch(channels)
    before = x.copy()
    whole = pipeline(x, SEEDS)
    order = np.random.default_rng(1).permutation(len(x))
    assert (pipeline(x[order], order.tolist()) == whole[order]).all()
    assert (pipeline(x[5:6], [5]) == whole[5:6]).all()
    assert (x == before).all()
    assert (whole != x).any()
    assert (pipeline(x, [seed + 1000 for seed in SEEDS]) != whole).any()


def test_the_choices_of_two_transforms_do_not_go_together(tmp_path):
    pipeline = saved(tmp_path, [A.HorizontalFlip(p=0.5), A.VerticalFlip(p=0.5)])
    image = batch(1, 1)
    x = np.repeat(image, 200, axis=0)
    results = pipeline(x, range(200))
    flips = {"none": image[0], "h": image[0][:, ::-1], "v": image[0][::-1], "both": image[0][::-1, ::-1]}
    counts = {name: int((results == flip).all(axis=(1, 2, 3)).sum()) for name, flip in flips.items()}
    assert sum(counts.values()) == 200
    assert min(counts.values()) > 25  # 50 of each are expected, with a standard deviation of 6


@pytest.mark.filterwarnings("ignore:HueSaturationValue")
@pytest.mark.parametrize("transform", ["ISONoise", "PlanckianJitter", "RandomFog", "ToSepia", "HueSaturationValue"])
def test_transforms_that_need_colour_work_on_gray_images(tmp_path, transform):
    result = saved(tmp_path, [getattr(A, transform)(p=1)])(batch(1), SEEDS)
    assert result.shape == (24, 12, 10, 1)
    assert result.dtype == np.uint8


def test_gray_values_survive_the_way_through_colour(tmp_path):
    x = batch(1)
    result = saved(tmp_path, [A.ISONoise(p=1, color_shift=(0, 0), intensity=(0, 0))])(x, SEEDS)
    assert np.abs(result.astype(int) - x).max() <= 2


@pytest.mark.parametrize(
    ("transforms", "result"),
    [
        ([A.RandomCrop(8, 8)], "8x8x1 uint8"),
        ([A.Normalize()], "12x10x1 float32"),
        ([A.ToRGB()], "12x10x3 uint8"),
    ],
)
def test_another_size_or_type_is_refused(tmp_path, transforms, result):
    with pytest.raises(InputError, match=f"turns 12x10x1 uint8 into {result}; remove the transform"):
        saved(tmp_path, transforms)(batch(1), SEEDS)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_pipeline_that_fails_is_named(tmp_path, channels):
    with pytest.raises(InputError, match=r"pipeline.yaml fails on these images: .*fix the pipeline"):
        saved(tmp_path, [A.RandomCrop(100, 100)])(batch(channels), SEEDS)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "3",
        '{"transform": {}}',
        '{"transform": {"__class_fullname__": "Nope", "p": 1}}',
        '{"transform": {"__class_fullname__": "HorizontalFlip", "p": 1, "strength": 2}}',
        '{"transform": {"__class_fullname__": "os.system", "p": 1}}',
        '{"transform": {"__class_fullname__": "Lambda", "__name__": "f", "p": 1}}',
    ],
)
@pytest.mark.parametrize("suffix", [".json", ".yaml"])
def test_a_file_that_is_no_pipeline_is_refused(tmp_path, text, suffix):
    path = tmp_path / f"bad{suffix}"
    path.write_text(text)
    with pytest.raises(InputError, match=r"cannot read the pipeline .*; write it with albumentations.save") as caught:
        load_pipeline(path)
    assert "\n" not in str(caught.value)


def test_a_yaml_file_cannot_run_anything(tmp_path):
    path = tmp_path / "evil.yaml"
    path.write_text(f"transform: !!python/object/apply:pathlib.Path.touch ['{tmp_path / 'touched'}']\n")
    with pytest.raises(InputError):
        load_pipeline(path)
    assert not (tmp_path / "touched").exists()


def test_a_missing_file_and_another_suffix_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"the pipeline file .* does not exist"):
        load_pipeline(tmp_path / "none.yaml")
    with pytest.raises(InputError, match=r"neither a .json nor a .yaml"):
        load_pipeline(tmp_path / "pipeline.py")


def test_nothing_is_asked_of_the_network_and_the_environment_stays(tmp_path):
    A.save(A.Compose([A.HorizontalFlip(p=1)]), tmp_path / "p.yaml", data_format="yaml")
    program = """
import os, sys, urllib.request
from pathlib import Path
def refuse(*args, **kwargs): raise SystemExit("asked the network")
urllib.request.build_opener = refuse
from vaeaug.dataset.augment import load_pipeline
assert "albumentations" not in sys.modules
load_pipeline(Path(sys.argv[1]))
assert "NO_ALBUMENTATIONS_UPDATE" not in os.environ
"""
    environment = {name: value for name, value in os.environ.items() if name != "NO_ALBUMENTATIONS_UPDATE"}
    subprocess.run([sys.executable, "-c", program, str(tmp_path / "p.yaml")], check=True, env=environment)


def test_the_classical_pipeline_keeps_size_and_mirrors_only_if_told() -> None:
    x = np.zeros((200, 20, 16, 1), np.uint8)
    x[:, :, :8] = 255  # bright on the left, whatever place, scale and angle do to it
    kept, mirrored = (classical_pipeline(20, 16, 1, flip=flip)(x, range(200)) for flip in (False, True))
    right = [
        (batch[:, :, 8:].mean(axis=(1, 2, 3)) > batch[:, :, :8].mean(axis=(1, 2, 3))).mean()
        for batch in (kept, mirrored)
    ]
    assert kept.shape == mirrored.shape == x.shape
    assert right[0] == 0
    assert 0.35 < right[1] < 0.65
    assert len({image.tobytes() for image in kept}) > 150


def test_the_classical_pipeline_changes_the_brightness_of_colour_images_alone() -> None:
    gray, colour = (np.full((50, 12, 12, channels), 100, np.uint8) for channels in (1, 3))
    assert (classical_pipeline(12, 12, 1, flip=True)(gray, range(50)) == 100).all()
    assert len(np.unique(classical_pipeline(12, 12, 3, flip=True)(colour, range(50)))) > 20


def test_a_mild_classical_pipeline_changes_less():
    x = np.tile(np.arange(32, dtype=np.uint8)[None, :, None, None] * 8, (100, 1, 32, 1))
    full, mild = (classical_pipeline(32, 32, 1, flip=False, strength=strength)(x, range(100)) for strength in (1, 0.5))
    moved = [np.abs(batch.astype(int) - x).mean() for batch in (full, mild)]
    assert 0 < moved[1] < 0.7 * moved[0]
