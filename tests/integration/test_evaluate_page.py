"""The page of `evaluate` tells of the model what the directory of synthetic images tells, and no more."""

from __future__ import annotations

from pathlib import Path

import evaluate_data
import numpy as np
import pytest
import tiny_data
import torch
from feature_networks import ClassToken
from PIL import Image

import vaeaug
from vaeaug.workflows.evaluate.synthetic_record import dropped_of, units_of


def test_what_augment_wrote_shows_the_latents_in_use_and_where_the_curves_are(tmp_path: Path) -> None:
    real = evaluate_data.write_real(tmp_path / "real")
    vaeaug.augment(real, tmp_path / "extended", per_class=4, **tiny_data.UNFILTERED)
    units = units_of(tmp_path / "extended")
    assert units.keys() == {"ant", "bee"}
    assert all(0 <= active <= total == 4 for active, total in units.values())
    vaeaug.evaluate(real, tmp_path / "extended", tmp_path / "out", **evaluate_data.QUICK)
    page = (tmp_path / "out/report.html").read_text()
    assert "ant {} of {}".format(*units["ant"]) in page
    assert "<code>extended/report.html</code> shows" in page
    assert "<code>evaluation.json</code> contains" in page


def test_class_folders_tell_nothing_of_a_model(tmp_path: Path) -> None:
    real = evaluate_data.write_real(tmp_path / "real")
    synthetic = evaluate_data.write_synthetic(tmp_path / "synthetic", {"ant": 6, "bee": 7})
    vaeaug.evaluate(real, synthetic, tmp_path / "out", **evaluate_data.QUICK)
    page = (tmp_path / "out/report.html").read_text()
    assert 'id="training"' not in page
    assert "synthetic/report.html" not in page


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"model": 3, "dropped": 3}', '{"model": {"classes": {}, "metrics": {}}}']
)
def test_a_record_that_is_not_ours_tells_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "vaeaug.json").write_text(text)
    assert units_of(tmp_path) == {}
    assert dropped_of(tmp_path) == {}


def test_a_record_of_one_network_tells_of_all_classes(tmp_path: Path) -> None:
    (tmp_path / "vaeaug.json").write_text(
        '{"model": {"classes": {"a": {}}, "metrics": {"active_units": 3, "latent_units": 8}},'
        ' "dropped": {"a": {"near copy": 2}}}'
    )
    assert units_of(tmp_path) == {"all classes": (3, 8)}
    assert dropped_of(tmp_path) == {"a": {"near copy": 2}}


def test_images_are_compared_by_a_transformer_where_one_is_named(tmp_path: Path) -> None:
    real = evaluate_data.write_real(tmp_path / "real")
    synthetic = evaluate_data.write_synthetic(tmp_path / "synthetic", {"ant": 6, "bee": 7})
    torch.save(ClassToken().state_dict(), tmp_path / "dinov2.pth")
    found = vaeaug.evaluate(
        real,
        synthetic,
        embedding="feature_networks:ClassToken",
        embedding_weights=str(tmp_path / "dinov2.pth"),
        **evaluate_data.QUICK,
    )
    name = "features of feature_networks:ClassToken (dinov2.pth), what it returns"
    assert found.values["fidelity"]["embedding"] == found.values["memorisation"]["embedding"] == name


@pytest.mark.parametrize("sampler", ["residual", "interpolate"])
def test_that_changed_real_images_are_near_by_construction_is_said_of_them_alone(tmp_path: Path, sampler: str) -> None:
    real = evaluate_data.write_real(tmp_path / "real")
    settings = {**tiny_data.UNFILTERED, "sampler": sampler}
    vaeaug.augment(real, tmp_path / "extended", per_class=4, **settings)
    vaeaug.evaluate(real, tmp_path / "extended", tmp_path / "out", **evaluate_data.QUICK)
    page = (tmp_path / "out/report.html").read_text()
    assert "Unusually close" in page
    for words in ("FID and KID are low by construction", "close to one by construction"):
        assert (words in page) == (sampler == "residual")


@pytest.mark.parametrize("edited", [True, False])
def test_copies_are_worth_a_look_unless_the_sampler_changes_real_images(tmp_path: Path, edited: bool) -> None:
    """Synthetic images that are near copies, with a manifest that tells how they were made, or none."""
    real = evaluate_data.write_real(tmp_path / "real")
    names = [path.relative_to(real / "train") for path in sorted((real / "train").rglob("*.png"))]
    for name in names:
        with Image.open(real / "train" / name) as image:
            pixels = np.asarray(image).copy()
        pixels[0, 0] ^= 1
        (tmp_path / "copies/train" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(tmp_path / "copies/train" / name)
    rows = [f"train/{name.as_posix()},train,{name.parts[0]},true,,residual" for name in names]
    header = "file_name,split,label,synthetic,source,sampler"
    if edited:
        (tmp_path / "copies/manifest.csv").write_text("\n".join([header, *rows]))
    found = vaeaug.evaluate(real, tmp_path / "copies", **{**evaluate_data.QUICK, "steps": 12})
    worth = [remark for remark in found.warnings if remark.startswith("100.0 % of the synthetic images are unusually")]
    assert len(worth) == (not edited)
