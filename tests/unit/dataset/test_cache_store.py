"""Where caches lie, and which of them go."""

import os
import shutil
import time
from pathlib import Path

import pytest
from dataset_files import class_folder, gray, save
from machine_faults import fill, on_small_disk

from vaeaug.dataset.cache import build_cache
from vaeaug.dataset.contents import read_contents
from vaeaug.dataset.scan import scan
from vaeaug.dataset.store import building, evict
from vaeaug.errors import InputError, VaeaugError


@pytest.fixture
def data(tmp_path):
    class_folder(tmp_path / "data" / "cat")
    return tmp_path / "data"


@pytest.fixture(autouse=True)
def environment(monkeypatch, tmp_path):
    for name in ("VAEAUG_CACHE_DIR", "VAEAUG_CACHE_GB", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


def test_the_place_is_the_argument_then_the_variable_then_the_users_cache(data, tmp_path, monkeypatch):
    index = scan(data)
    assert build_cache(read_contents(index)).directory.parent == tmp_path / "home" / ".cache" / "vaeaug"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert build_cache(read_contents(index)).directory.parent == tmp_path / "xdg" / "vaeaug"
    monkeypatch.setenv("VAEAUG_CACHE_DIR", str(tmp_path / "variable"))
    assert build_cache(read_contents(index)).directory.parent == tmp_path / "variable"
    assert build_cache(read_contents(index), cache_dir=tmp_path / "argument").directory.parent == tmp_path / "argument"


def test_a_default_place_that_cannot_be_written_gives_way_to_a_temporary_one(data, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    cache = build_cache(read_contents(scan(data)))
    assert cache.temporary
    assert cache.pixels_NHWC.shape == (3, 12, 10, 1)
    shutil.rmtree(cache.directory.parent)


def test_a_named_place_that_cannot_be_written_is_refused(data, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"cannot write to the cache directory .*set VAEAUG_CACHE_DIR to another"):
        build_cache(read_contents(scan(data)), cache_dir=tmp_path / "file" / "cache")


@pytest.mark.parametrize("place", [".", "cache", "cat/cache"])
def test_a_place_inside_the_dataset_is_refused(data, place):
    before = sorted(data.rglob("*"))
    with pytest.raises(InputError, match="is inside the dataset"):
        build_cache(read_contents(scan(data)), cache_dir=data / place)
    assert sorted(data.rglob("*")) == before


@pytest.mark.parametrize("value", ["much", "-1", "0", "nan", "inf"])
def test_a_limit_that_is_no_number_is_refused(data, monkeypatch, value):
    monkeypatch.setenv("VAEAUG_CACHE_GB", value)
    with pytest.raises(InputError, match="VAEAUG_CACHE_GB"):
        build_cache(read_contents(scan(data)))


def make(tmp_path: Path, name: str, **options: object):
    save(tmp_path / name / "a" / "0.png", gray(1))
    save(tmp_path / name / "a" / f"{name}.png", gray(2))
    return build_cache(read_contents(scan(tmp_path / name)), cache_dir=tmp_path / "cache", **options)


def entries(tmp_path):
    return {path.name for path in (tmp_path / "cache").iterdir()}


def test_the_entry_not_used_for_longest_goes_first(tmp_path, monkeypatch):
    names = []
    for i, name in enumerate(("one", "two", "three")):
        cache = make(tmp_path, name)
        names.append(cache.directory.name)
        os.utime(cache.directory / "lock", (1000 + i, 1000 + i))
        del cache
    assert make(tmp_path, "one").directory.name == names[0]  # used again, so `two` is the oldest now
    size = sum(file.stat().st_size for file in (tmp_path / "cache" / names[0]).iterdir())
    monkeypatch.setenv("VAEAUG_CACHE_GB", str(3.5 * size / 1e9))
    new = make(tmp_path, "four").directory.name
    assert entries(tmp_path) == {names[0], names[2], new}


def test_an_entry_that_is_open_or_just_built_stays(tmp_path, monkeypatch):
    monkeypatch.setenv("VAEAUG_CACHE_GB", "0.000000001")
    one = make(tmp_path, "one")
    two = make(tmp_path, "two")
    assert entries(tmp_path) == {one.directory.name, two.directory.name}
    assert one.pixels_NHWC.sum() > 0
    del one
    three = make(tmp_path, "three")
    assert entries(tmp_path) == {two.directory.name, three.directory.name}


def test_abandoned_builds_are_cleared_away_and_running_ones_are_not(tmp_path):
    cache = make(tmp_path, "one")
    abandoned = tmp_path / "cache" / ".build-dead"
    abandoned.mkdir()
    (abandoned / "pixels.bin").write_bytes(b"x" * 1000)
    long_ago = time.time() - 3600
    with building(tmp_path / "cache") as running:
        for folder in (abandoned, running):
            os.utime(folder, (long_ago, long_ago))
        evict(tmp_path / "cache", 10**9)
        assert not abandoned.exists()
        assert running.exists()
    assert entries(tmp_path) == {cache.directory.name}


def test_nothing_else_in_the_cache_directory_is_touched(tmp_path, monkeypatch):
    monkeypatch.setenv("VAEAUG_CACHE_GB", "0.000000001")
    mine = save(tmp_path / "cache" / "holiday" / "photo.png")
    make(tmp_path, "one")
    make(tmp_path, "two")
    assert mine.is_file()


def test_a_failed_build_leaves_nothing_behind(data, tmp_path):
    (data / "cat" / "broken.png").write_text("no image")
    with pytest.raises(InputError):
        build_cache(read_contents(scan(data)), cache_dir=tmp_path / "cache")
    assert entries(tmp_path) == set()


def test_a_full_disk_is_said_in_a_line(data, tmp_path):
    def work(disk):
        fill(disk)
        with pytest.raises(VaeaugError, match=r"No space left on device; free some space, or set VAEAUG_CACHE_DIR"):
            build_cache(read_contents(scan(data)), cache_dir=disk / "cache")
        assert list((disk / "cache").iterdir()) == []

    on_small_disk(tmp_path, work)
