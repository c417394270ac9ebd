"""What can go wrong, by exit code. Every message is one line: what was wrong, where, and how to fix it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

SHOWN = 3
"""Names in a list of a warning, at most."""


class VaeaugError(Exception):
    """The work failed; the message is shown as it stands and the command exits with `exit_code` (1)."""

    exit_code = 1


class DivergedError(VaeaugError):
    """Training cannot go on with these options: what it left is of no use and is removed (exit code 1)."""


class InputError(VaeaugError):
    """The data, an option or an existing file is not usable; nothing was changed (exit code 2)."""

    exit_code = 2


class SettingError(InputError):
    """The value of a setting is not usable. In Python the message names the argument, on the command line the flag.

    Args:
        problem: the rest of the sentence, such as `must be at least 0, not -1`.
        call: the function with the argument, such as `vaeaug.augment`.
    """

    def __init__(self, name: str, problem: str, call: str = "") -> None:
        super().__init__(f"{call}: {name} {problem}" if call else f"{name} {problem}")
        self.name, self.problem = name, problem

    def on_command_line(self) -> str:
        """Return the message with the flag of the setting."""
        return f"--{self.name.replace('_', '-')} {self.problem}"


class PluginError(VaeaugError):
    """A plugin is broken (exit code 3)."""

    exit_code = 3


def nearest(name: str, valid: Iterable[str]) -> str:
    """Return the end of a message about an unknown name: the nearest valid name, and all of them.

    >>> nearest("vea", ["ae", "vae"])
    "did you mean 'vae'? (available: ae, vae)"
    """
    names = sorted(valid)
    if not names:
        return "none are available"
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    available = f"available: {', '.join(names)}"
    return f"did you mean {close[0]!r}? ({available})" if close else available


def quoted(names: Iterable[str], limit: int = 10) -> str:
    """Return names for a message: quoted, control characters escaped, the first few and how many more."""
    listed = list(names)
    more = f" and {len(listed) - limit} more" if len(listed) > limit else ""
    return ", ".join(repr(name) for name in listed[:limit]) + more


def name_list(names: Sequence[str], shown: int = SHOWN) -> str:
    """Return names for a warning, separated by commas: the first few, and how many more there are."""
    listed = ", ".join(names[:shown])
    return listed if len(names) <= shown else f"{listed} and {len(names) - shown:,} more"
