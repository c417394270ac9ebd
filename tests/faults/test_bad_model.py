"""Models that are damaged, foreign, or need a plugin that is not there: one line each, and exit code 2."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tiny_data
import torch
from safetensors import safe_open
from safetensors.torch import save_file

import vaeaug
from vaeaug.errors import InputError


@pytest.fixture
def path(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of a good model."""
    return Path(shutil.copytree(tiny_data.model(tmp_path_factory), tmp_path / "model"))


def _use(path: Path) -> str:
    """Open and sample a model; return the message of the refusal."""
    with pytest.raises(InputError) as caught:
        vaeaug.load(path).sample("ant", 2)
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) < 600
    return message


def _edit(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    values = json.loads((path / "model.json").read_text())
    change(values)
    (path / "model.json").write_text(json.dumps(values))


def test_no_model(tmp_path: Path) -> None:
    assert "vaeaug train" in _use(tmp_path / "nothing")
    (tmp_path / "empty").mkdir()
    assert "has no model.json" in _use(tmp_path / "empty")


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"3", b"null", b'"x"', b"\xff\xfe", b"{}", b'{"format": "new"}'])
def test_a_damaged_record(path: Path, text: bytes) -> None:
    (path / "model.json").write_bytes(text)
    assert "model.json is damaged" in _use(path)


def test_a_newer_format(path: Path) -> None:
    _edit(path, lambda values: values.update(format=99, something_new=1))
    assert "newer vaeaug (format 99)" in _use(path)


def test_every_field_of_the_record_is_needed_and_checked(path: Path) -> None:
    good = json.loads((path / "model.json").read_text())
    for name in good:
        _edit(path, lambda values, name=name: values.pop(name))
        # Models of earlier versions lack these.
        if name not in ("format", "background", "levels", "holdout", "passed_over", "resume"):
            assert name in _use(path)
        (path / "model.json").write_text(json.dumps(good))
    for name in ("variant", "loss", "classes", "channels", "height", "format"):
        for wrong in (None, "x", [], 3.5):
            _edit(path, lambda values, name=name, wrong=wrong: values.update({name: wrong}))
            _use(path)
            (path / "model.json").write_text(json.dumps(good))


@pytest.mark.parametrize("options", [None, 3, [], {"latent_dim": "many"}, {"no_such": 1}])
def test_options_that_the_plugin_does_not_take(path: Path, options: Any) -> None:
    _edit(path, lambda values: values["variant"].update(options=options))
    _use(path)


@pytest.mark.parametrize("kind", ["variant", "loss"])
def test_a_missing_plugin_is_named_with_its_distribution(path: Path, kind: str) -> None:
    _edit(path, lambda values: values[kind].update(name="gone", distribution="some-vaeaug-plugin"))
    message = _use(path)
    assert "'gone'" in message
    assert "pip install some-vaeaug-plugin" in message


def test_a_missing_plugin_file_asks_for_the_directory(path: Path) -> None:
    _edit(path, lambda values: values["variant"].update(name="gone", distribution=None))
    assert "gone" in _use(path)


@pytest.mark.parametrize("name", ["weights-0000.safetensors", "latents.safetensors"])
@pytest.mark.parametrize("damage", ["missing", "empty", "cut", "foreign"])
def test_damaged_tensors(path: Path, name: str, damage: str) -> None:
    file = path / name
    if damage == "missing":
        file.unlink()
    elif damage == "empty":
        file.write_bytes(b"")
    elif damage == "cut":
        file.write_bytes(file.read_bytes()[:-40])
    else:
        save_file({"something": torch.zeros(2)}, file)
    message = _use(path)
    assert name in message
    assert "train the model again" in message


def test_latents_with_parts_missing(path: Path) -> None:
    file = path / "latents.safetensors"
    with safe_open(file, framework="pt") as opened:
        tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118 (no mapping)
        index = json.loads(opened.metadata()["index"])
    for broken in (
        {**index, "sources": {}},
        {**index, "sources": {"0": ["one"]}},
        {**index, "sources": None},
        {**index, "structure": [None, None]},
        {"structure": index["structure"]},
        [],
    ):
        save_file(tensors, file, {"index": json.dumps(broken)})
        assert "latents.safetensors" in _use(path)


def test_weights_of_another_shape(path: Path) -> None:
    _edit(path, lambda values: values["variant"]["options"].update(latent_dim=5))
    message = _use(path)
    assert "does not fit" in message
    assert "size mismatch" in message


def test_a_class_the_model_does_not_have(path: Path) -> None:
    with pytest.raises(InputError, match="no class 'aunt'; did you mean 'ant'"):
        vaeaug.load(path).sample("aunt")
    with pytest.raises(InputError, match=r"name the class to sample: .*ant, bee"):
        vaeaug.load(path).sample()


def test_a_sampler_that_does_not_exist(path: Path) -> None:
    with pytest.raises(InputError, match="no sampler 'mixtur'; did you mean 'mixture'"):
        vaeaug.load(path).sample("ant", sampler="mixtur")
