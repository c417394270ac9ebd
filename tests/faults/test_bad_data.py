"""A dataset that is not laid out as it must be: each fault is a line that names the remedy, and DATA stays as it is."""

import json
import os
import re

import pytest
from dataset_files import class_folder, save
from machine_faults import closed

from vaeaug.dataset.formats import NAMES
from vaeaug.dataset.scan import scan
from vaeaug.errors import InputError


def refused(data, message):
    """Scan, and check that it is refused in one line that matches."""
    with pytest.raises(InputError, match=message) as caught:
        scan(data)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2
    return str(caught.value)


def test_data_that_does_not_exist(tmp_path):
    refused(tmp_path / "none", r"none does not exist; give a folder of images, or write a sample with: vaeaug demo")
    with pytest.raises(InputError, match=r"none does not exist; give a folder of images$"):
        scan(tmp_path / "none", training=False)  # a model reads what it was trained for, not the sample


def test_data_that_is_a_file(tmp_path):
    refused(save(tmp_path / "one.png"), "is an image, not a folder; give the folder that contains the class folders")
    (tmp_path / "data.zip").write_bytes(b"PK")
    refused(tmp_path / "data.zip", "is a file, not a folder")


def test_an_empty_folder(tmp_path):
    message = refused(tmp_path, rf"contains no images \({NAMES}\); arrange them as")
    assert f"{tmp_path.name}/<class>/*.png" in message


def test_folders_without_images(tmp_path):
    (tmp_path / "cat").mkdir()
    (tmp_path / "cat" / "photo.raw").write_bytes(b"x")
    refused(tmp_path, r"contains no images .*, not used: 1 \.raw; arrange them as")


def test_images_without_class_folders(tmp_path):
    class_folder(tmp_path)
    refused(tmp_path, r"contains images but no class folders; arrange them as .*/<class>/\*\.png, one folder per class")


@pytest.mark.parametrize("others", [[], ["test"], ["val", "test"]])
def test_split_folders_without_class_folders(tmp_path, others):
    for name in ["train", *others]:
        class_folder(tmp_path / name)
    refused(tmp_path, r"train contains images but no class folders; arrange them as .*/train/<class>/\*\.png")


def test_no_training_split(tmp_path):
    class_folder(tmp_path / "test" / "cat")
    class_folder(tmp_path / "val" / "cat")
    refused(tmp_path, "has no training split, only 'val', 'test'; name one folder 'train'")


def test_splits_beside_other_folders(tmp_path):
    for name in ("train", "test", "more"):
        class_folder(tmp_path / name / "cat")
    refused(tmp_path, r"contains split folders \('train', 'test'\) and other folders \('more'\); move")


def test_two_folders_for_one_split(tmp_path):
    for name in ("train", "val", "validation"):
        class_folder(tmp_path / name / "cat")
    refused(tmp_path, r"val and .*validation both name the val split; keep one of them, or merge them")


def test_classes_with_fewer_than_two_images_are_all_named(tmp_path):
    class_folder(tmp_path / "cat", 1)
    class_folder(tmp_path / "dog", 2)
    class_folder(tmp_path / "eel", 1)
    (tmp_path / "fox").mkdir()
    refused(tmp_path, r"at least 2 training images .*: 'cat' has 1, 'eel' has 1, 'fox' has 0; add images")


def test_images_of_other_splits_do_not_count(tmp_path):
    class_folder(tmp_path / "train" / "cat", 1)
    class_folder(tmp_path / "train" / "dog", 2)
    class_folder(tmp_path / "test" / "cat", 9)
    refused(tmp_path, "'cat' has 1")


def test_a_class_without_a_format_that_is_read_is_not_lost_in_silence(tmp_path):
    class_folder(tmp_path / "cat", 2)
    (tmp_path / "dog").mkdir()
    (tmp_path / "dog" / "photo.raw").write_bytes(b"x")
    refused(tmp_path, "'dog' has 0")


def test_an_empty_class_folder_in_train_is_not_lost_in_silence(tmp_path):
    class_folder(tmp_path / "train" / "cat", 2)
    (tmp_path / "train" / "dog").mkdir()
    refused(tmp_path, "'dog' has 0")


def test_a_folder_that_may_not_be_listed(tmp_path):
    class_folder(tmp_path / "cat")
    (tmp_path / "cat" / "closed").mkdir()
    with closed(tmp_path / "cat" / "closed", 0o000):
        refused(tmp_path, r"cannot list .*closed: Permission denied; fix its permissions")


@pytest.mark.skipif(os.name == "nt", reason="Windows names are Unicode")
def test_a_name_that_is_not_utf_8(tmp_path):
    class_folder(tmp_path / "cat")
    try:
        class_folder(tmp_path / os.fsdecode(b"caf\xe9"), 2)
    except OSError:
        pytest.skip("this file system takes Unicode names only")
    message = refused(tmp_path, "not valid UTF-8")
    message.encode("utf-8")  # it can be printed


def table(tmp_path, text, name="metadata.csv"):
    for image in ("a.png", "b.png"):
        save(tmp_path / image)
    (tmp_path / name).write_bytes(text.encode() if isinstance(text, str) else text)
    return tmp_path


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("file_name,text\na.png,x\n", r"metadata.csv has no column 'label' \(it has 'file_name', 'text'\); add it"),
        (
            "file_name,class,target\na.png,x,y\n",
            "no column 'label' but several that could be it: 'class', 'target'; choose one with --label-column class",
        ),
        ("datei,label\na.png,x\n", r"has no column 'file_name' \(it has 'datei', 'label'\); add it"),
        ("", "has no column 'file_name'"),
        ("file_name,label\n", "has no training images"),
        ("file_name,label\n../b.png,x\n", r"line 2 points outside the dataset: '\.\./b\.png'; list only files below"),
        ("file_name,label\nx/../../b.png,x\n", "points outside the dataset"),
        ("file_name,label\n/etc/c.png,x\n", "files that are missing in .*: '/etc/c.png'"),
        ("a.png,x\nb.png,x\n", "has no header line; add one, such as file_name,label"),
        ("file_name,label\na, b.png,x\n", "line 2 has more values than columns; put values that contain ',' in double"),
        (
            "file_name,label\na.png,x\nc.png,x\nd.png,x\n",
            "files that are missing in .*: 'c.png', 'd.png'; remove the lines",
        ),
        ("file_name,label\na.png,x\n./a.png,x\n", "line 3 lists 'a.png' a second time"),
        ("file_name,label\na.png,\n", "line 2 has the label ''; a label is text or a whole number"),
        ("file_name,label\na.png\n", "line 2 has the label None"),
        ("file_name,label\n,x\n", "line 2 has no file_name"),
        ("file_name,label\nmetadata.csv,x\n", f"is not a {NAMES} file"),
        ("file_name,label,split\na.png,x,middle\n", "line 2 has the split 'middle'; a split is train, val or test"),
        ("file_name,label\na.png,x\n", "'x' has 1"),
        (b"file_name,label\na.png,caf\xe9\n", r"cannot read .*metadata.csv: .*save it again as UTF-8 text"),
        ("file_name,label\n" + "a" * 200_000 + ".png,x\n", r"cannot read .*field larger than field limit"),
    ],
)
def test_bad_csv(tmp_path, text, message):
    refused(table(tmp_path, text), message)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"file_name": "a.png", "label": "x"}\n{"file_name', r"line 2 is not JSON .*write one JSON object per line"),
        ('["a.png", "x"]\n', "line 1 is not a JSON object"),
        ('{"file_name": "a.png"}\n', "has no column 'label'"),
        ('{"label": "x"}\n', "has no column 'file_name'"),
        ('{"file_name": true, "label": "x"}\n', "has no file_name"),
        ('{"file_name": 3, "label": "x"}\n', "files that are missing in .*: '3'"),
        (json.dumps({"file_name": "a.png", "label": True}), "has the label True"),
        (json.dumps({"file_name": "a.png", "label": 1.5}), "has the label 1.5"),
        (json.dumps({"file_name": "a.png", "label": ["x"]}), r"has the label \['x'\]"),
        (json.dumps({"file_name": "a\0.png", "label": "x"}), "points outside the dataset"),
        (json.dumps({"file_name": "a.png", "label": "x", "split": 3}), "has the split 3"),
        (b'{"file_name": "\xff"}', r"cannot read .*metadata.jsonl"),
        ("[" * 100_000, "line 1 is not JSON"),
    ],
)
def test_bad_jsonl(tmp_path, text, message):
    refused(table(tmp_path, text, "metadata.jsonl"), message)


def test_two_tables_side_by_side(tmp_path):
    table(tmp_path, "file_name,label\n")
    refused(table(tmp_path, "", "metadata.jsonl"), r"metadata.csv and metadata.jsonl are in one folder; keep one")


def test_a_broken_parquet_table(tmp_path):
    refused(
        table(tmp_path, b"PAR1", "metadata.parquet"), r"cannot read .*metadata.parquet: .*write it again as Parquet"
    )


def test_a_table_in_one_split_only(tmp_path):
    class_folder(tmp_path / "train")
    table(tmp_path / "train", "file_name,label\na.png,x\nb.png,x\n")
    class_folder(tmp_path / "test" / "cat")
    refused(tmp_path, r"train/metadata.csv contains the labels of one split, but .*test has no such file; add one")


def test_data_is_never_written_to(tmp_path):
    class_folder(tmp_path / "cat", 1)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    refused(tmp_path, re.escape("'cat' has 1"))
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before
