"""Real images arrive unchanged, under their own names, and the originals are never touched."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from machine_faults import fill, on_disk, on_small_disk

from vaeaug.dataset.index import ImageFile, Layout
from vaeaug.errors import InputError, VaeaugError
from vaeaug.export.layout import collision_key, synthetic_name
from vaeaug.export.real import copy_real, place_real


def image_file(file_name: str, label: str = "cat", split: str = "train", root: Path = Path("data")) -> ImageFile:
    return ImageFile(root / file_name, file_name, split, label)


def names(files: list[ImageFile], layout: Layout = "folders") -> dict[str, str]:
    return {image.source: image.file_name for image in place_real(files, layout)}


def test_ordinary_names_are_kept_in_every_layout() -> None:
    assert names([image_file("cat/1.png")]) == {"cat/1.png": "train/cat/1.png"}
    assert names([image_file("valid/cat/1.png", split="val")], "splits") == {"valid/cat/1.png": "val/cat/1.png"}
    assert names([image_file("images/1.jpeg")], "metadata") == {"images/1.jpeg": "train/cat/1.jpeg"}
    assert names([image_file("a/1.png", label="a/b")], "metadata") == {"a/1.png": "train/a%2Fb/1.png"}


def test_folders_below_a_class_become_part_of_the_name() -> None:
    assert names([image_file("cat/a/b/1.png")]) == {"cat/a/b/1.png": "train/cat/a-b-1.png"}
    long = "x" * 200
    (name,) = names([image_file(f"cat/{long}/{long}/1.png")]).values()
    assert len(Path(name).name) <= 255
    assert name.endswith(".png")


def test_an_image_that_keeps_its_name_goes_before_one_that_cannot() -> None:
    files = [image_file("cat/a/1.png"), image_file("cat/a-1.png"), image_file("cat/A-1.PNG")]
    assert names(files) == {
        "cat/a-1.png": "train/cat/a-1.png",
        "cat/A-1.PNG": "train/cat/A-1.PNG",  # both lay in one folder, so the file system tells them apart
        "cat/a/1.png": "train/cat/a-1-2.png",
    }
    assert names([image_file("x/1.png"), image_file("y/1.png"), image_file("z/1.PNG")], "metadata") == {
        "x/1.png": "train/cat/1.png",
        "y/1.png": "train/cat/1-2.png",
        "z/1.PNG": "train/cat/1.PNG",
    }


def test_a_real_image_never_takes_the_name_of_a_synthetic_one() -> None:
    taken = synthetic_name("cat", 0)
    assert names([image_file(f"cat/{taken}"), image_file("cat/synthetic/cat-00001.png")]) == {
        f"cat/{taken}": "train/cat/synthetic-cat-00000-real.png",
        "cat/synthetic/cat-00001.png": "train/cat/synthetic-cat-00001-real.png",
    }
    kept = {f"test/cat/{taken}": f"test/cat/{taken}"}  # no synthetic images are written there
    assert names([image_file(f"test/cat/{taken}", split="test")], "splits") == kept


PARTS = st.sampled_from(["a", "A", "b", "1", "1-2", "a-1", "synthetic", "cat-00000", "synthetic-cat-00000", "x" * 130])
PATHS = st.lists(PARTS, min_size=1, max_size=3).map("/".join)


@given(st.sets(st.tuples(PATHS, st.sampled_from([".png", ".PNG", "-2.png", "-real.png"])), max_size=12), st.booleans())
def test_no_two_images_share_a_place(paths: set[tuple[str, str]], metadata: bool) -> None:
    files = [image_file(f"cat/{path}{suffix}") for path, suffix in paths]
    placed = place_real(files, "metadata" if metadata else "folders")
    assert len(placed) == len({image.file_name for image in placed}) == len(files)
    assert all(len(Path(image.file_name).parts) == 3 for image in placed)
    assert placed == place_real(list(reversed(files)), "metadata" if metadata else "folders")
    made_up = [image.file_name for image in placed if Path(image.file_name).name != Path(image.source).name]
    for name in made_up:
        assert sum(collision_key(name) == collision_key(image.file_name) for image in placed) == 1


@pytest.fixture
def data(tmp_path: Path) -> Path:
    root = tmp_path / "data"
    (root / "cat").mkdir(parents=True)
    for number in range(130):  # more than one batch
        (root / "cat" / f"{number:03}.png").write_bytes(bytes([number]) * 100)
        os.utime(root / "cat" / f"{number:03}.png", ns=(10**18, 10**18 + number))
    return root


def no_reflink(source: Path, target: Path) -> bool:
    return False


def placed_in(root: Path) -> Any:
    files = [image_file(f"cat/{path.name}", root=root) for path in (root / "cat").iterdir()]
    return place_real(files, "folders")


def snapshot(root: Path) -> dict[str, tuple[bytes, int]]:
    return {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in (root / "cat").iterdir()}


@pytest.mark.parametrize("link", ["copy", "hard"])
def test_copies_are_equal_keep_their_times_and_leave_the_originals_alone(data: Path, tmp_path: Path, link: Any) -> None:
    before = snapshot(data)
    seen = []
    copy_real(placed_in(data), tmp_path / "out", link=link, progress=lambda done, total: seen.append((done, total)))
    assert snapshot(tmp_path / "out" / "train") == before == snapshot(data)
    assert seen == [(64, 130), (128, 130), (130, 130)]
    one = tmp_path / "out" / "train" / "cat" / "000.png"
    assert one.samefile(data / "cat" / "000.png") == (link == "hard")


def test_a_copy_is_no_link_and_a_link_to_a_file_is_copied_as_the_file(data: Path, tmp_path: Path) -> None:
    (data / "cat" / "link.png").symlink_to("000.png")
    for link in ("copy", "hard"):
        copy_real(placed_in(data), tmp_path / link, link=link)  # type: ignore[arg-type]
        copied = tmp_path / link / "train" / "cat" / "link.png"
        assert not copied.is_symlink()
        assert copied.read_bytes() == bytes(100)


def test_what_is_there_is_not_copied_again_and_what_is_half_there_is(data: Path, tmp_path: Path) -> None:
    images, out = placed_in(data), tmp_path / "out"
    copy_real(images, out)
    (out / "train" / "cat" / "003.png").write_bytes(b"half")
    (out / "train" / "cat" / "004.png").unlink()
    with on_disk("rename", "*.png") as copied:
        copy_real(images, out)
    assert [path.name for path in copied] == ["003.png", "004.png"]
    assert snapshot(out / "train") == snapshot(data)
    copy_real(images, out, link="hard")
    assert (out / "train" / "cat" / "003.png").samefile(data / "cat" / "003.png")
    copy_real(images, out, link="hard")
    assert len(list((out / "train" / "cat").iterdir())) == 130


def test_a_full_disk_leaves_no_half_copy(data: Path, tmp_path: Path) -> None:
    for path in data.rglob("*.png"):
        path.write_bytes(bytes(5000))

    def work(disk: Path) -> None:
        fill(disk, leaving=4 * 4096)  # room for two copies
        with pytest.raises(OSError, match="No space"):
            copy_real(placed_in(data), disk / "out")
        copied = list((disk / "out" / "train" / "cat").iterdir())
        assert len(copied) <= 2
        assert all(path.suffix == ".png" and path.stat().st_size == 5000 for path in copied)

    on_small_disk(tmp_path, work)


def test_hard_links_across_file_systems_are_refused_with_the_remedy(data: Path, tmp_path: Path) -> None:
    def work(disk: Path) -> None:
        with pytest.raises(InputError, match="leave out --link hard"):
            copy_real(placed_in(data), disk / "out", link="hard")

    on_small_disk(tmp_path, work)


def test_an_image_that_disappears_is_named(data: Path, tmp_path: Path) -> None:
    images = placed_in(data)
    (data / "cat" / "007.png").unlink()
    with pytest.raises(VaeaugError, match=r"007\.png has disappeared"):
        copy_real(images, tmp_path / "out")
