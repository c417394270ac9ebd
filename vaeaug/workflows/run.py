"""One run of a command: what every command has in common, from its settings to the directory that it publishes."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

import torch

from vaeaug.export.record import RECORD, command_record, write_record
from vaeaug.models.record import ModelRecord
from vaeaug.models.store import StoredModel, open_stored
from vaeaug.plugins import Registry, load
from vaeaug.progress import Progress
from vaeaug.staging import Staging, check_no_overlap
from vaeaug.workflows.device import choose_device
from vaeaug.workflows.settings import RunSettings, public_settings

S = TypeVar("S", bound=RunSettings)
S_co = TypeVar("S_co", bound=RunSettings, covariant=True)


@dataclass(frozen=True, slots=True)
class Run(Generic[S_co]):
    """One run of a command.

    Attributes:
        warnings: grows during the run; goes into the record, the card and the page.
    """

    settings: S_co
    progress: Progress
    device: torch.device
    registry: Registry
    warnings: list[str] = field(default_factory=list)
    _staging: Staging | None = None

    @property
    def staging(self) -> Staging:
        """The output directory under construction; only inside `writing`."""
        assert self._staging is not None, "nothing is written outside Run.writing"  # noqa: S101 (a mistake of ours)
        return self._staging

    @property
    def content(self) -> Path:
        """The directory that becomes OUT."""
        return self.staging.content

    @property
    def scratch(self) -> Path:
        """The directory for unfinished work; removed when OUT is published."""
        return self.staging.scratch

    @property
    def title(self) -> str:
        """The name of OUT."""
        return self.staging.final.name

    def warn(self, *warnings: str) -> None:
        """Add warnings. They are reported when OUT is published."""
        self.warnings.extend(warnings)

    def report_warnings(self) -> None:
        """Report all warnings to the progress callback."""
        for warning in self.warnings:
            self.progress.say(warning)

    def nested(self, settings: S) -> Run[S]:
        """Return the run of another command within this one: with the same device, plugins and progress callback."""
        return Run(settings, self.progress, self.device, self.registry)

    def open_model(
        self, directory: Path, options: Mapping[str, Any] | None = None, *, allow_imports: bool = False
    ) -> StoredModel:
        """Open a trained model with the plugins and on the device of the run; see `open_stored`."""
        return open_stored(directory, self.device, self.registry, options, allow_imports=allow_imports)

    @contextlib.contextmanager
    def writing(
        self, out: Path, resolved: Mapping[str, Any], *, inputs: Iterable[Path], record: str = RECORD
    ) -> Iterator[Run[S_co]]:
        """Build the output directory: yield the run with its `staging`. Call `publish` at the end of the block.

        Args:
            resolved: what decides the result besides the settings; part of the request (`RunSettings.request`).
            inputs: what is read: none of them may contain `out` or be in it.
            record: file name of the command's record.

        Raises:
            InputError: if `out` cannot be used or overlaps an input, or if the run there had another request.
        """
        check_disjoint(out, inputs)
        request = self.settings.request(**resolved)
        with Staging(out, request, resume=self.settings.resume, record=record) as staging:
            yield dataclasses.replace(self, _staging=staging)

    def finished_record(self, **fingerprints: str) -> Mapping[str, Any] | None:
        """Return the record of a finished run with the same request; see `Staging.finished_record`."""
        return self.staging.finished_record(self.progress, **fingerprints)

    def write_record(self, command: str, *, model: ModelRecord, **entries: Any) -> None:
        """Write the record of a command, with its settings and warnings, into the output; see `command_record`."""
        settings = public_settings(self.settings)
        record = command_record(command, settings, model=model, warnings=self.warnings, **entries)
        write_record(self.content / RECORD, record)

    def publish(self) -> Path:
        """Move what was built to OUT, report the warnings, and return the path of OUT."""
        final = self.staging.publish()
        self.report_warnings()
        return final


def begin_run(settings: S, progress: Progress) -> Run[S]:
    """Start a run: choose the device and load the plugins.

    Raises:
        InputError: if there is no such device on this machine, or no such directory of plugins.
        PluginError: if `VAEAUG_STRICT` is set and a plugin is broken.
    """
    return Run(settings, progress, choose_device(settings.device), load(settings.plugins_dirs))


def check_disjoint(out: Path, inputs: Iterable[Path]) -> None:
    """Check that no input contains the output or is in it. Inputs that do not exist are reported later.

    Raises:
        InputError: if they overlap.
    """
    for path in inputs:
        if path.exists():
            check_no_overlap(path, out)
