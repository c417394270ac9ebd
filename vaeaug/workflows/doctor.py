"""What vaeaug finds in this environment, and what is wrong with it: the facts of `vaeaug doctor`.

It must also report if something is broken, so nothing that may be broken is imported at the top. torch and the plugins
are imported in another process, because a broken installation can end the process that imports it.
"""

from __future__ import annotations

import importlib.metadata
import io
import multiprocessing
import os
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from vaeaug.cpus import cpu_count, thread_count
from vaeaug.errors import VaeaugError

LISTED_PACKAGES = ("torch", "torchvision", "albumentations", "pillow", "opencv-python-headless", "numpy")
"""Packages whose versions are listed; of the others only problems are."""

_MODULES = {"opencv-python-headless": "cv2", "pillow": "PIL", "scikit-learn": "sklearn"}
_REQUIRED_FORMATS = ("PNG", "JPEG")
_16_BIT_FORMATS = ("PNG", "TIFF", "JPEG 2000")
_MIN_FREE_BYTES = 10**9
_TIMEOUT_SECONDS = 180.0


@dataclass(frozen=True, slots=True)
class Fact:
    """A fact about the environment.

    Attributes:
        problem: what is wrong, with the remedy; empty if nothing is.
    """

    topic: str
    name: str
    value: Any
    text: str
    problem: str = ""
    fatal: bool = False


def examine(plugins_dirs: Sequence[str] = ()) -> list[Fact]:
    """Return the facts about this environment, by topic. It takes as long as importing torch."""
    parts: list[tuple[str, Callable[[], Iterator[Fact]]]] = [
        ("version", _versions),
        ("device", lambda: _devices_and_plugins(plugins_dirs)),
        ("image", _images),
        ("extra", _extras),
        ("disk", _disks),
        ("text", _text),
    ]
    facts = []
    for topic, find in parts:
        try:
            facts += list(find())
        except Exception as error:  # a broken package must not hide the other facts
            problem = f"cannot be examined: {type(error).__name__}: {error}"
            facts.append(Fact(topic, "all", None, "unknown", problem, fatal=topic == "image"))
    return facts


def _versions() -> Iterator[Fact]:
    """Yield the versions of Python, vaeaug and its packages, and packages that are missing or of a wrong version."""
    python = ".".join(map(str, sys.version_info[:3]))
    yield Fact("version", "python", python, f"{python} ({sys.executable})")
    try:
        own = importlib.metadata.version("vaeaug")
    except importlib.metadata.PackageNotFoundError:
        yield Fact("version", "vaeaug", None, "unknown", "there is no metadata of vaeaug; install it", fatal=True)
        return
    yield Fact("version", "vaeaug", own, own)
    for name, requirement, installed in _requirements(None):
        problem = "" if installed is not None else f'pip install "{requirement}"'
        version = installed or _version(name)
        if name in LISTED_PACKAGES or problem:
            yield Fact("version", name, version, version or "missing", problem, fatal=bool(problem))


def _extras() -> Iterator[Fact]:
    """Yield for each extra of vaeaug whether its packages are installed."""
    for extra in importlib.metadata.metadata("vaeaug").get_all("Provides-Extra") or []:
        found = {name: installed is not None for name, _, installed in _requirements(extra)}
        missing = [name for name, is_installed in found.items() if not is_installed]
        text = "installed" if not missing else f"{len(missing)} of {len(found)} packages missing"
        remedy = "" if not missing else f" (pip install 'vaeaug[{extra}]')"
        yield Fact("extra", extra, not missing, text + remedy)


def _requirements(extra: str | None) -> Iterator[tuple[str, str, str | None]]:
    """Yield name, requirement and installed version of the packages that vaeaug, or an extra of it, requires.

    The version is None if the package is missing or has another version than required. A package under another name
    counts if it brings the same module, as packages of OpenCV do.
    """
    from packaging.requirements import Requirement  # noqa: PLC0415 (may be missing here)

    for line in importlib.metadata.requires("vaeaug") or []:
        requirement = Requirement(line)
        marker, name = requirement.marker, requirement.name.lower()
        if name == "vaeaug" or (marker is None) != (extra is None):
            continue
        if marker is not None and not marker.evaluate({"extra": extra or ""}):
            continue
        version, constraint = _version(name), f"{name}{requirement.specifier}"
        if version is None:
            is_importable = find_spec(_MODULES.get(name, name.replace("-", "_"))) is not None
            yield name, constraint, "of another package" if is_importable else None
        else:
            yield name, constraint, version if requirement.specifier.contains(version, prereleases=True) else None


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _devices_and_plugins(plugins_dirs: Sequence[str]) -> Iterator[Fact]:
    count, threads = cpu_count(), thread_count()
    text = f"{count} of {os.cpu_count()} processors: {count} processes train, {threads} threads read and write images"
    yield Fact("device", "cpu", {"processors": count, "threads": threads}, text)
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_import_all, args=(sender, tuple(plugins_dirs)), daemon=True)
    process.start()
    sender.close()
    for step in ("torch", "plugins"):
        try:
            if not receiver.poll(_TIMEOUT_SECONDS):
                raise VaeaugError(f"took longer than {_TIMEOUT_SECONDS:.0f} s")
            facts: list[Fact] = receiver.recv()
        except (EOFError, OSError, VaeaugError) as error:
            process.join(5)
            cause = str(error) if isinstance(error, VaeaugError) else f"ended the process (code {process.exitcode})"
            remedy = (
                "install it again" if step == "torch" else "leave out plugins with VAEAUG_BLOCK_PLUGINS=NAME to find it"
            )
            problem = f"importing {step} {cause}; {remedy}"
            yield Fact("device" if step == "torch" else "plugin", step, None, "broken", problem, fatal=True)
            break
        yield from facts
        if any(fact.fatal for fact in facts):
            break  # without torch every plugin is broken
    if process.is_alive():
        process.terminate()
    process.join()


def _import_all(sender: Connection, plugins_dirs: tuple[str, ...]) -> None:
    """Import torch and the plugins, and send the facts about each: the target of the other process."""
    sender.send(list(_accelerators()))
    sender.send(list(_plugins(plugins_dirs)))
    sender.close()


def _accelerators() -> Iterator[Fact]:
    try:
        import torch  # noqa: PLC0415 (may be broken here)
    except BaseException as error:  # a broken package may raise anything
        problem = f"torch cannot be imported ({type(error).__name__}: {_first_line(error)}); install torch again"
        yield Fact("device", "torch", None, "broken", problem, fatal=True)
        return
    found = [torch.cuda.get_device_properties(index) for index in range(torch.cuda.device_count())]
    for index, device in enumerate(found):
        text = f"{device.name}, {device.total_memory / 1e9:.1f} GB"
        yield Fact("device", f"cuda:{index}", {"name": device.name, "memory_bytes": device.total_memory}, text)
    if not found:
        built = torch.version.cuda
        yield Fact("device", "cuda", None, "none" if built else "none (this torch is built without CUDA)")
    mps = torch.backends.mps.is_available()
    yield Fact("device", "mps", mps, "available (--device mps)" if mps else "none")


def _plugins(plugins_dirs: Sequence[str]) -> Iterator[Fact]:
    """Yield how many variants, losses and samplers there are, and the plugins that are broken."""
    from vaeaug.plugins import load  # noqa: PLC0415 (a plugin may be broken here)
    from vaeaug.plugins.sources import STRICT_VARIABLE  # noqa: PLC0415

    lenient = {key: value for key, value in os.environ.items() if key != STRICT_VARIABLE}
    try:
        registry = load(plugins_dirs, environ=lenient)
    except VaeaugError as error:
        yield Fact("plugin", "all", None, "unknown", str(error), fatal=True)
        return
    counts = {kind: len(classes) for kind, classes in registry.classes.items()}
    words = ", ".join(f"{count} {kind}{'es' if kind == 'loss' else 's'}" for kind, count in counts.items())
    missing_kinds = [kind for kind, count in counts.items() if not count]
    problem = f"there is no {missing_kinds[0]}: install vaeaug again" if missing_kinds else ""
    yield Fact("plugin", "all", counts, words, problem, fatal=bool(missing_kinds))
    for found in registry.problems:
        if found.kind != "shadowed":
            yield Fact("plugin", found.plugin, found.cause, "broken", f"{found.cause} (see: vaeaug plugins check)")


def _images() -> Iterator[Fact]:
    """Yield which image formats are read and written here, and which of them with 16 bits."""
    from PIL import Image  # noqa: PLC0415 (may be broken here)

    from vaeaug.dataset.formats import FORMATS, READABLE  # noqa: PLC0415 (imports Pillow)

    Image.init()
    for image_format in FORMATS:
        reads, writes = image_format in READABLE, _round_trips(Image.new("RGB", (8, 8)), image_format.pillow)
        deep = image_format.name in _16_BIT_FORMATS and _round_trips(
            Image.new("I;16", (8, 8), 40_000), image_format.pillow
        )
        capabilities = [word for word, is_able in (("read", reads), ("written", writes), ("16 bit", deep)) if is_able]
        text = ", ".join(capabilities) or "neither read nor written"
        is_broken = image_format.name in _REQUIRED_FORMATS and not (reads and writes)
        remedy = "" if reads else f" ({image_format.install})"
        problem = "Pillow cannot read and write it: pip install --force-reinstall pillow" if is_broken else ""
        value = {"read": reads, "written": writes, "16_bit": deep}
        yield Fact("image", image_format.name, value, text + remedy, problem, fatal=is_broken)


def _round_trips(image: Any, name: str) -> bool:
    """Return whether Pillow writes an image of one value in a format, and reads it back with the same value."""
    from PIL import Image  # noqa: PLC0415 (may be broken here)

    if name not in Image.SAVE:
        return False
    stream = io.BytesIO()
    try:
        image.save(stream, format=name)
        stream.seek(0)
        with Image.open(stream) as read:
            return bool(read.convert(image.mode).getpixel((0, 0)) == image.getpixel((0, 0)))
    except Exception:  # the plugins of Pillow raise many kinds
        return False


def _disks() -> Iterator[Fact]:
    """Yield the free space of the directories that are written to, and the size of the cache."""
    from vaeaug.dataset.store import cache_directory, size_limit  # noqa: PLC0415 (imports what may be missing here)

    try:
        yield _disk("working directory", Path.cwd(), "change to another directory")
    except FileNotFoundError:
        yield Fact("disk", "working directory", None, "missing", "it no longer exists; change to another one (cd)")
    try:
        yield _disk("temporary directory", Path(tempfile.gettempdir()), "set TMPDIR to another directory")
    except FileNotFoundError as error:
        yield Fact("disk", "temporary directory", None, "none", f"{error}; set TMPDIR", fatal=True)
    try:
        cache, named = cache_directory(None)
        limit = size_limit()
    except VaeaugError as error:
        yield Fact("disk", "cache", None, "unknown", str(error), fatal=True)
        return
    if cache is None:
        yield Fact("disk", "cache", None, "temporary, because there is no home directory")
        return
    disk = _disk("cache", cache, "set VAEAUG_CACHE_DIR to another directory")
    size = sum(file.stat().st_size for file in cache.glob("*/*") if file.is_file()) if cache.is_dir() else 0
    text = f"{_size(size)} of at most {_size(limit)}, {disk.text}"
    fatal = named and not os.access(_existing(cache), os.W_OK)
    yield Fact("disk", "cache", {**disk.value, "bytes": size, "limit_bytes": limit}, text, disk.problem, fatal=fatal)


def _disk(name: str, directory: Path, remedy: str) -> Fact:
    """Return the free space of a directory that may not exist yet; too little, or no permission, is a problem."""
    existing = _existing(directory)
    free = shutil.disk_usage(existing).free
    problem = ""
    if not os.access(existing, os.W_OK):
        problem = f"it cannot be written to; {remedy}"
    elif free < _MIN_FREE_BYTES:
        problem = f"it is nearly full; free some space, or {remedy}"
    return Fact(
        "disk", name, {"path": str(directory), "free_bytes": free}, f"{_size(free)} free in {directory}", problem
    )


def _existing(directory: Path) -> Path:
    return next(path for path in (directory, *directory.parents) if path.exists())


def _text() -> Iterator[Fact]:
    encoding = sys.getfilesystemencoding()
    problem = "" if encoding == "utf-8" else "file names outside ASCII can fail; set LC_ALL=C.UTF-8"
    yield Fact("text", "file names", encoding, encoding, problem)


def _size(size: float) -> str:
    return f"{size / 1e9:,.1f} GB"


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).splitlines()), "")


def works(facts: Sequence[Fact]) -> bool:
    """Return whether vaeaug can work in an environment."""
    return not any(fact.fatal for fact in facts)


def broken_plugins(facts: Sequence[Fact]) -> int:
    """Return the number of broken plugins."""
    return Counter(fact.topic for fact in facts if fact.problem)["plugin"]
