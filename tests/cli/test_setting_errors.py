"""A value that is out of range: the command line names the flag, the Python API names the argument."""

from __future__ import annotations

import dataclasses
from importlib import import_module

import pytest
from tiny_data import run

import vaeaug.options
from vaeaug.errors import SettingError
from vaeaug.workflows.encode.encode_settings import EncodeSettings
from vaeaug.workflows.evaluate.evaluate_settings import EvaluateSettings
from vaeaug.workflows.inpaint.inpaint_settings import InpaintSettings
from vaeaug.workflows.pictures.picture_settings import InterpolateSettings, TraverseSettings
from vaeaug.workflows.sample_settings import AugmentSettings, SampleModelSettings
from vaeaug.workflows.score.score_settings import ScoreSettings
from vaeaug.workflows.settings import build
from vaeaug.workflows.train_settings import TrainModelSettings

COMMANDS = {
    "augment": (AugmentSettings, 2),
    "train": (TrainModelSettings, 2),
    "sample": (SampleModelSettings, 2),
    "evaluate": (EvaluateSettings, 2),
    "inpaint": (InpaintSettings, 3),
    "encode": (EncodeSettings, 3),
    "score": (ScoreSettings, 3),
    "interpolate": (InterpolateSettings, 4),
    "traverse": (TraverseSettings, 2),
}
"""Command -> its settings and the number of its arguments."""


def bounded(settings: type) -> list[tuple[str, float]]:
    """Return the settings that have a range, each with a value out of it."""
    fields = [field for field in dataclasses.fields(settings) if field.metadata]
    low = [(f.name, f.metadata["minimum"] - 1) for f in fields if f.metadata["minimum"] is not None]
    high = [(f.name, f.metadata["maximum"] + 1) for f in fields if f.metadata["maximum"] is not None]
    return low + high


@pytest.mark.parametrize("command", COMMANDS)
def test_the_command_line_names_the_flag(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    settings, arguments = COMMANDS[command]
    taken = {parameter.name for parameter in import_module(f"vaeaug.cli.{command}").command.params}
    for name, value in bounded(settings):
        if name not in taken:
            continue
        flag = f"--{name.replace('_', '-')}"
        assert run(command, *["nowhere"] * arguments, f"{flag}={value:.15g}") == 2
        message = capsys.readouterr().err
        assert message.startswith((f"Error: {flag} must be at ", "Error: --time-budget must be a time")), message


@pytest.mark.parametrize("command", COMMANDS)
def test_python_names_the_argument(command: str) -> None:
    settings, _ = COMMANDS[command]
    for name, value in bounded(settings):
        with pytest.raises(SettingError, match=rf"^(vaeaug.{command}: {name} must be at |time_budget must be a time)"):
            build(settings, {name: value}, f"vaeaug.{command}")
    choices = [f for f in dataclasses.fields(settings) if f.metadata and f.metadata["choices"]]
    for field in choices:
        with pytest.raises(SettingError, match=rf"^vaeaug.{command}: {field.name} must be one of .*, not 'no such'$"):
            build(settings, {field.name: "no such"}, f"vaeaug.{command}")


@pytest.mark.parametrize("command", COMMANDS)
def test_a_value_of_another_type(command: str) -> None:
    settings, _ = COMMANDS[command]
    numbers = [f.name for f in dataclasses.fields(settings) if f.metadata and f.metadata["minimum"] is not None]
    for name in numbers:
        with pytest.raises(SettingError) as raised:
            build(settings, {name: "many"}, f"vaeaug.{command}")
        assert raised.value.on_command_line().startswith(f"--{name.replace('_', '-')} ")
        assert f"{name} " in str(raised.value)


def test_options_of_a_plugin_keep_their_names() -> None:
    @dataclasses.dataclass(frozen=True)
    class Config:
        latent_dim: int = vaeaug.options.option(4, "Size.", minimum=1)

    message = r"^variant 'x': latent_dim must be at least 1, not 0$"
    with pytest.raises(vaeaug.errors.InputError, match=message) as raised:
        vaeaug.options.parse_options(Config, {"latent-dim": 0}, "variant 'x'")
    assert not isinstance(raised.value, SettingError)
