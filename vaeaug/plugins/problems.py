"""What can be wrong with a plugin, and how its cause is put into one line."""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from vaeaug.plugins.sources import Source

Kind = Literal[
    "metadata",  # its entry point cannot be looked up
    "missing-module",  # the entry point's module does not exist
    "import-error",  # importing it raised
    "syntax-error",
    "exit",  # it called sys.exit
    "newer-api",  # it was written for a newer contract
    "no-hook",  # it implements none
    "unmarked-hook",  # a hook's name without @hookimpl
    "unknown-hook",  # @hookimpl on a name that is no hook
    "hook-arguments",  # the hook takes what the host does not give
    "hook-raised",
    "wrong-return",  # not a list of classes
    "wrong-class",  # a class that breaks the contract
    "shadowed",  # its name is taken
]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with one plugin.

    Attributes:
        plugin: the plugin's name.
        kind: what kind of problem it is.
        cause: one line: what, where, and what mends it.
        source: where the plugin comes from.
        names: the variants and losses that are missing because of it, as far as they are known.
    """

    plugin: str
    kind: Kind
    cause: str
    source: Source
    names: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"plugin {self.plugin!r} ({self.source.where}): {self.cause}"


class FaultError(Exception):
    """A problem that was just found, before it is known whose it is."""

    def __init__(self, kind: Kind, cause: str, names: tuple[str, ...] = ()) -> None:
        super().__init__(cause)
        self.kind: Kind = kind
        self.cause = cause
        self.names = names

    def of(self, source: Source) -> Problem:
        """Return the problem as that of a plugin."""
        return Problem(source.plugin, self.kind, self.cause, source, self.names)


def one_line(error: BaseException) -> str:
    """Return `TypeError: what it says`, on one line and not endless."""
    text = " ".join(str(error).split())
    text = text if len(text) <= 300 else f"{text[:297]}..."
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def shown(value: object) -> str:
    """Return what a value looks like, on one line and not endless."""
    try:
        text = " ".join(repr(value).split())
    except Exception:  # a plugin's own __repr__
        text = f"an object of {type(value).__name__}"
    return text if len(text) <= 60 else f"{text[:57]}..."


def place(error: BaseException, file: Path | None) -> str:
    """Return ` (plugin.py, line 3)`: the last line of the plugin's own file on the way to the error, else the last.

    Args:
        error: what was raised.
        file: the plugin's file, if it is known.
    """
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if not frame.filename.startswith("<")]
    own = [frame for frame in frames if file is not None and Path(frame.filename) == file]
    if own:
        return f" ({own[-1].filename}, line {own[-1].lineno})"
    return f" ({frames[-1].filename}, line {frames[-1].lineno})" if frames else ""


def syntax_fault(error: SyntaxError, file: Path | None) -> FaultError:
    """Return the fault of source that is not Python; `file` is named where the error names none."""
    name = error.filename or file or "its source"
    at = f"{name}, line {error.lineno}" if error.lineno else str(name)
    return FaultError("syntax-error", f"{type(error).__name__}: {error.msg} ({at})")
