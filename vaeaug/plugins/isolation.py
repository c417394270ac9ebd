"""Run a plugin's code so that nothing it does reaches other plugins or the command's standard output."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from vaeaug.plugins.problems import FaultError, Kind, one_line, place, syntax_fault

T = TypeVar("T")


@contextlib.contextmanager
def _contained() -> Iterator[None]:
    """Send what a plugin prints to stderr, and turn every way of ending but Ctrl-C into an exception."""
    with contextlib.redirect_stdout(sys.stderr):
        try:
            yield
        except (Exception, KeyboardInterrupt):
            raise
        except BaseException as error:  # SystemExit, CancelledError, a test runner's own: none may end our process
            raise _EscapedError(error) from error


class _EscapedError(Exception):
    """A plugin raised what is no Exception."""

    def __init__(self, original: BaseException) -> None:
        super().__init__(str(original))
        self.original = original


def guard(run: Callable[[], T], doing: str, file: Path | None, otherwise: Kind) -> T:
    """Run a plugin's code and return what it returns.

    Args:
        run: runs it.
        doing: when that is, for the message ("while it is imported").
        file: the plugin's file, whose line is named.
        otherwise: the kind of problem, where what is raised does not tell.

    Raises:
        FaultError: it raised, whatever it was, but Ctrl-C.
    """
    try:
        with _contained():
            return run()
    except FaultError:
        raise
    except SyntaxError as error:
        raise syntax_fault(error, file) from error
    except _EscapedError as error:
        original = error.original
        if isinstance(original, SystemExit):
            cause = f"it calls sys.exit({original.code!r}) {doing}{place(original, file)}; a plugin only defines things"
            raise FaultError("exit", cause) from error
        raise FaultError(otherwise, f"{doing}: {one_line(original)}{place(original, file)}") from error
    except Exception as error:
        raise FaultError(otherwise, f"{doing}: {one_line(error)}{place(error, file)}{_mend(error, file)}") from error


def _mend(error: Exception, file: Path | None) -> str:
    """Return what mends a missing import, where that can be known."""
    if not isinstance(error, ModuleNotFoundError) or not error.name:
        return ""
    missing = error.name.split(".")[0]
    if file is not None and (file.with_name(f"{missing}.py").exists() or file.with_name(missing).is_dir()):
        return f"; a plugin file cannot import its neighbour {missing}: make a package of both (vaeaug plugins new)"
    return f"; install what brings {missing!r} into this environment"
