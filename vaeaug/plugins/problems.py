"""What can be wrong with a plugin, and `guard`, which runs a plugin's code and describes a failure in one line."""

from __future__ import annotations

import contextlib
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

from vaeaug.plugins.sources import Source

T = TypeVar("T")

Kind = Literal[  # docs/writing-a-plugin.md describes each
    "metadata", "missing-module", "import-error", "syntax-error", "exit", "newer-api", "no-hook", "unmarked-hook",
    "unknown-hook", "hook-arguments", "hook-raised", "wrong-return", "wrong-class", "shadowed",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem of one plugin.

    Attributes:
        cause: one line: what is wrong, where, and how to fix it.
        names: the classes that are missing because of it, as far as the source states them.
    """

    plugin: str
    kind: Kind
    cause: str
    source: Source
    names: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"plugin {self.plugin!r} ({self.source.where}): {self.cause}"


class FaultError(Exception):
    """A problem of the plugin that is being loaded; `kind`, `cause` and `names` are those of `Problem`."""

    def __init__(self, kind: Kind, cause: str, names: tuple[str, ...] = ()) -> None:
        super().__init__(cause)
        self.kind: Kind = kind
        self.cause, self.names = cause, names


def guard(run: Callable[[], T], when: str, file: Path | None, default_kind: Kind) -> T:
    """Return what a plugin's code returns; its prints go to stderr. `when` is for the message ("while it is imported").

    Raises:
        FaultError: for any exception except KeyboardInterrupt.
    """
    try:
        with contextlib.redirect_stdout(sys.stderr):
            return run()
    except (FaultError, KeyboardInterrupt):
        raise
    except SyntaxError as error:
        where = f"{error.filename or file or 'its source'}{f', line {error.lineno}' if error.lineno else ''}"
        raise FaultError("syntax-error", f"{type(error).__name__}: {error.msg} ({where})") from error
    except SystemExit as error:
        cause = f"it calls sys.exit({error.code!r}) {when}{_location(error, file)}; a plugin must only define things"
        raise FaultError("exit", cause) from error
    except BaseException as error:  # CancelledError, a test runner's own: none may end our process
        raise FaultError(
            default_kind, f"{when}: {_one_line(error)}{_location(error, file)}{_fix(error, file)}"
        ) from error


def _one_line(error: BaseException) -> str:
    text = " ".join(str(error).split())
    text = text if len(text) <= 300 else f"{text[:297]}..."
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def describe(value: object) -> str:
    """Return what a plugin returned, in words on one line of limited length."""
    if value is None or isinstance(value, type):
        return "nothing" if value is None else f"the class {value.__name__}"
    try:
        text = f"{type(value).__name__} {' '.join(repr(value).split())}"
    except Exception:  # a plugin's own __repr__
        text = f"an object of {type(value).__name__}"
    return text if len(text) <= 60 else f"{text[:57]}..."


def _location(error: BaseException, file: Path | None) -> str:
    """Return ` (plugin.py, line 3)`: the last line of the plugin's own file in the traceback, otherwise the last."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if not frame.filename.startswith("<")]
    own = [frame for frame in frames if file is not None and Path(frame.filename) == file]
    return "".join(f" ({frame.filename}, line {frame.lineno})" for frame in (own or frames)[-1:])


def _fix(error: BaseException, file: Path | None) -> str:
    if not isinstance(error, ModuleNotFoundError) or not error.name:
        return ""
    missing = error.name.split(".")[0]
    if file is not None and (file.with_name(f"{missing}.py").exists() or file.with_name(missing).is_dir()):
        return (
            f"; a plugin file cannot import the file {missing} next to it: make a package of both (vaeaug plugins new)"
        )
    return f"; install what provides {missing!r} into this environment"
