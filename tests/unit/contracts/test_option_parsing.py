"""Options arrive as text or values and become a checked Config, or a line that mends them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

import pytest

from vaeaug import option
from vaeaug.contracts import parse_options
from vaeaug.errors import InputError


@dataclass(frozen=True)
class Config:
    latent_dim: int = option(32, "Latent dimensions.", minimum=1, maximum=4096)
    beta: float = option(4.0, "Weight of the KL.", minimum=0)
    width: int | None = option(None, "Hidden units.", minimum=8)
    shared: bool = option(False, "Whether to share.")
    mode: str = option("linear", "Which schedule.", choices=("linear", "cosine"))


def parse(**values: object) -> Config:
    return parse_options(Config, values, "variant 'x'")


def test_defaults() -> None:
    assert parse() == Config(32, 4.0, None, False, "linear")


@pytest.mark.parametrize(
    ("given", "field", "value"),
    [
        ({"latent_dim": "16"}, "latent_dim", 16),
        ({"latent-dim": 16}, "latent_dim", 16),
        ({"latent_dim": 16.0}, "latent_dim", 16),
        ({"beta": "0"}, "beta", 0.0),
        ({"beta": 3}, "beta", 3.0),
        ({"width": "None"}, "width", None),
        ({"width": None}, "width", None),
        ({"width": "64"}, "width", 64),
        ({"shared": "yes"}, "shared", True),
        ({"shared": "0"}, "shared", False),
        ({"mode": "cosine"}, "mode", "cosine"),
    ],
)
def test_text_and_values_are_converted(given: dict[str, object], field: str, value: object) -> None:
    parsed = getattr(parse_options(Config, given, "variant 'x'"), field)
    assert parsed == value
    assert type(parsed) is type(value)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"bata": 1}, r"variant 'x' has no option 'bata'; did you mean 'beta'\?"),
        ({"latent_dim": "many"}, "variant 'x': latent_dim must be int, not 'many'"),
        ({"latent_dim": 2.5}, "latent_dim must be int, not 2.5"),
        ({"latent_dim": 0}, "latent_dim must be at least 1, not 0"),
        ({"latent_dim": 5000}, "latent_dim must be at most 4096, not 5000"),
        ({"beta": float("nan")}, "beta must be at least 0, not nan"),
        ({"beta": None}, "beta must be float, not None"),
        ({"width": 4}, "width must be at least 8, not 4"),
        ({"width": "wide"}, "width must be int or none, not 'wide'"),
        ({"shared": "perhaps"}, "shared must be bool, not 'perhaps'"),
        ({"mode": "steep"}, "mode must be one of linear, cosine, not 'steep'"),
    ],
)
def test_bad_options_are_named(given: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        parse_options(Config, given, "variant 'x'")


@dataclass(frozen=True)
class OldStyle:
    width: Optional[int] = option(None, "Hidden units.", minimum=1)  # noqa: UP045 (what a stranger may write)


def test_optional_means_the_same_as_a_union_with_none() -> None:
    assert parse_options(OldStyle, {"width": "8"}, "variant 'x'").width == 8
    assert parse_options(OldStyle, {"width": "none"}, "variant 'x'").width is None
    with pytest.raises(InputError, match="must be int or none, not 'wide'"):
        parse_options(OldStyle, {"width": "wide"}, "variant 'x'")
