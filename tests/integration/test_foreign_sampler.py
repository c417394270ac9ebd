"""A sampler in one file of --plugins-dir: used by `augment` and `sample`, recorded, and missed by name."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
import tiny_data

import vaeaug
from vaeaug.errors import InputError
from vaeaug.progress import SILENT
from vaeaug.workflows.evaluate.evaluate_settings import EvaluateSettings
from vaeaug.workflows.evaluate.folds import augment_settings, check_plugins
from vaeaug.workflows.run import begin_run

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs/writing-a-plugin.md").read_text(encoding="utf-8")
(BOOTSTRAP,) = (code for code in re.findall(r"```python\n(.*?)```", GUIDE, flags=re.DOTALL) if "(Sampler)" in code)
NAME = "smoothed-bootstrap"


@pytest.fixture
def my_plugins(tmp_path: Path) -> Path:
    directory = tmp_path / "my_plugins"
    directory.mkdir()
    (directory / "smoothed_bootstrap.py").write_text(BOOTSTRAP, encoding="utf-8")
    return directory


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_data.model(tmp_path_factory)


def test_sample_draws_with_it_from_a_finished_model(model: Path, my_plugins: Path, tmp_path: Path) -> None:
    settings = {"sampler": NAME, "sampler_options": {"bandwidth": 0.5}, "per_class": 3, "plugins_dirs": (my_plugins,)}
    vaeaug.sample(model, tmp_path / "out", **settings)
    rows = tiny_data.manifest(tmp_path / "out")
    assert {row["sampler"] for row in rows} == {NAME}
    assert {row["source"] for row in rows if row["label"] == "ant"} == {f"ant/{number:03}.png" for number in range(3)}
    record = json.loads((tmp_path / "out/vaeaug.json").read_text(encoding="utf-8"))
    assert record["sampler_plugin"] == {"distribution": None, "version": None}
    assert record["sampler_options"] == {"bandwidth": 0.5}
    opened = vaeaug.load(model, plugins_dirs=[my_plugins])
    still = opened.sample("ant", 24, sampler=NAME, sampler_options={"bandwidth": 0}).astype(int)
    assert abs(still[:12] - still[12:]).max() <= 1  # without noise: the 12 training images in turn
    assert len(np.unique(still[:12].reshape(12, -1), axis=0)) == 12
    with pytest.raises(InputError, match=f"no sampler '{NAME}'"):
        vaeaug.load(model).sample("ant", 1, sampler=NAME)


@pytest.mark.usefixtures("warm_workers")
def test_augment_uses_it_with_worker_processes_too(my_plugins: Path, tmp_path: Path) -> None:
    data = tiny_data.write_dataset(tmp_path / "data", {"ant": 6, "bee": 6})
    settings = {**tiny_data.QUICK, "sampler": NAME, "per_class": 3, "plugins_dirs": (my_plugins,)}
    made = [vaeaug.augment(data, tmp_path / str(count), **{**settings, "workers": count}) for count in (1, 2)]
    assert made[0].sampler == NAME
    assert tiny_data.files(made[0].out / "train") == tiny_data.files(made[1].out / "train")
    again = augment_settings(made[0].out, {"ant": 6, "bee": 6})
    check_plugins(begin_run(EvaluateSettings(plugins_dirs=(str(my_plugins),)), SILENT), again, made[0].out)
    with pytest.raises(InputError, match=r"was made with a plugin file: add its --plugins-dir DIR$"):
        check_plugins(begin_run(EvaluateSettings(), SILENT), again, made[0].out)
    record = json.loads((made[0].out / "vaeaug.json").read_text(encoding="utf-8"))
    record["sampler_plugin"] = {"distribution": "vaeaug-bootstrap", "version": "1.0"}
    (made[0].out / "vaeaug.json").write_text(json.dumps(record), encoding="utf-8")
    with pytest.raises(InputError, match="not installed here: pip install vaeaug-bootstrap"):
        check_plugins(begin_run(EvaluateSettings(), SILENT), again, made[0].out)


def test_a_sampler_of_ours_adds_nothing_to_the_record(model: Path, tmp_path: Path) -> None:
    vaeaug.sample(model, tmp_path / "out", per_class=1)
    assert "sampler_plugin" not in json.loads((tmp_path / "out/vaeaug.json").read_text(encoding="utf-8"))
