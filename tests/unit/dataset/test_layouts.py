"""Folders of common layouts: each is read rightly or refused by its own name, and never taken for classes."""

import json

import pytest
from dataset_files import gray, save

from vaeaug.dataset.reading_options import LabelOptions
from vaeaug.dataset.scan import scan
from vaeaug.errors import InputError

BOX = "0 0.5 0.5 0.2 0.2\n1 0.1 0.1 0.1 0.1\n"
COCO = json.dumps({"images": [{"file_name": "0.png"}], "annotations": [], "categories": []})
VOC = "<annotation><object/></annotation>"


def write(root, *patterns, others=()):
    """Write three images for each folder, and text files with their content."""
    for number, pattern in enumerate(patterns):
        folder, _, suffix = pattern.partition("|")
        for i in range(3):
            save(root / folder / f"{i}{suffix}.png", gray(10 * number + i))
    for name, text in others:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def found(root, **options):
    """Return {split: classes with images}."""
    index = scan(root, **options)
    return {
        split: [label for label, count in index.counts(split).items() if count]
        for split in ("train", "val", "test")
        if index.of(split)
    }


AB = ["a", "b"]


@pytest.mark.parametrize(
    ("folders", "expected"),
    [
        # one folder too many
        (["photos/train/a", "photos/train/b", "photos/test/a", "photos/test/b"], {"train": AB, "test": AB}),
        (["photos/a", "photos/b"], {"train": AB}),
        (["PetImages/a", "PetImages/b"], {"train": AB}),
        (["archive/dataset/photos/a", "archive/dataset/photos/b"], {"train": AB}),
        (["archive/train/a", "archive/train/b"], {"train": AB}),
        (["data/images/a"], {"train": ["a"]}),
        (["seg_train/seg_train/a", "seg_train/seg_train/b", "seg_test/seg_test/a"], {"train": AB, "test": ["a"]}),
        (["train/train/a", "train/train/b", "test/test/b"], {"train": AB, "test": ["b"]}),
        # names of splits
        (["train_set/a", "train_set/b", "test_set/a"], {"train": AB, "test": ["a"]}),
        (["Training/a", "Training/b", "Testing/b"], {"train": AB, "test": ["b"]}),
        (["trainset/a", "valid_set/a", "holdout/a"], {"train": ["a"], "val": ["a"], "test": ["a"]}),
        (["imgs_train/a", "imgs_val/a"], {"train": ["a"], "val": ["a"]}),
        (["train-images/a", "eval/a"], {"train": ["a"], "test": ["a"]}),
        (["train2017/a", "val2017/a"], {"train": ["a"], "val": ["a"]}),
        (["my_train/a", "my_train/b", "my_dev/a"], {"train": AB, "val": ["a"]}),
        (["trainA", "trainB", "testA", "testB"], {"train": ["A", "B"], "test": ["A", "B"]}),
        (["train_cat", "train_dog", "test_cat"], {"train": ["cat", "dog"], "test": ["cat"]}),
        (["cat-train", "dog-train", "dog-val"], {"train": ["cat", "dog"], "val": ["dog"]}),
        # splits inside classes
        (["a/train", "a/test", "b/train", "b/test"], {"train": AB, "test": AB}),
        (["a/Training", "a/val", "b/Training"], {"train": AB, "val": ["a"]}),
        (["data/a/train", "data/a/test", "data/b/train"], {"train": AB, "test": ["a"]}),
        # MVTec AD
        (
            ["train/good", "test/good", "test/broken", "ground_truth/broken|_mask"],
            {"train": ["good"], "test": ["good", "broken"]},
        ),
        (["01/train/ok", "01/test/ko", "01/ground_truth/ko"], {"train": ["ok"], "test": ["ko"]}),
        # masks beside images of a class
        (["a", "a|_mask", "b", "b|_mask"], {"train": AB}),
        (["a", "a_mask", "b", "b_mask"], {"train": AB}),
        (["a/images", "a/masks", "b/images", "b/masks"], {"train": AB}),
        (["a|_seg", "b"], {"train": AB}),
        # unlabelled images beside splits
        (["train/a", "train/b", "unlabeled"], {"train": AB}),
        # classes whose names contain words for splits or masks
        (["seg_train/a", "seg_test/a", "seg_pred"], {"train": ["a"], "test": ["a"]}),
        (["train/a/images", "train/b/images", "val/images"], {"train": AB}),
        (["x", "X-ray"], {"train": ["X-ray", "x"]}),
        (["test tube", "blood test"], {"train": ["blood test", "test tube"]}),
        (["mask", "no_mask"], {"train": ["mask", "no_mask"]}),
        (["with_mask", "without_mask"], {"train": ["with_mask", "without_mask"]}),
        (["train", "bus"], {"train": ["bus", "train"]}),
        (["0", "1", "2"], {"train": ["0", "1", "2"]}),
        (["train/train", "train/bus", "test/train"], {"train": ["bus", "train"], "test": ["train"]}),
    ],
)
def test_a_layout_that_is_read(tmp_path, folders, expected):
    assert found(write(tmp_path, *folders)) == expected


@pytest.mark.parametrize(
    ("folders", "others", "message"),
    [
        (["images", "masks"], [], "segmentation dataset: images in 'images', their masks in 'masks'"),
        (["JPEGImages", "SegmentationClass"], [], "segmentation dataset"),
        (["train/images", "train/masks", "val/images", "val/masks"], [], "segmentation dataset"),
        (["images/train", "annotations/train", "images/val", "annotations/val"], [], "segmentation dataset"),
        (["train", "train_masks"], [], "segmentation dataset"),
        (["photos/images", "photos/labels"], [], "segmentation dataset"),
        (["imgs", "gt"], [], "segmentation dataset"),
        (["original", "mask"], [], "segmentation dataset"),
        (["data", "annotations"], [], "segmentation dataset"),
        (["good", "broken", "masks/broken|_x"], [], "folders with the names of the classes next to it"),
        (["good|", "broken|x", "masks|_mask"], [], "masks seems to contain the masks of the images next to it"),
        (["images"], [(f"labels/{i}.txt", BOX) for i in range(3)], "YOLO detection dataset"),
        (
            ["images/train", "images/val"],
            [("labels/train/0.txt", BOX), ("data.yaml", "nc: 2\n")],
            "YOLO detection dataset",
        ),
        (["train/images", "valid/images"], [("train/labels/0.txt", BOX), ("data.yaml", "")], "YOLO detection dataset"),
        (["obj_train_data"], [("obj_train_data/0.txt", BOX)], "YOLO detection dataset"),
        (["train2017", "val2017"], [("annotations/instances_train2017.json", COCO)], "COCO detection dataset"),
        (["images"], [("annotations.json", COCO)], "COCO detection dataset"),
        (["train", "valid"], [("train/_annotations.coco.json", COCO)], "COCO detection dataset"),
        (
            ["VOCdevkit/VOC2012/JPEGImages"],
            [("VOCdevkit/VOC2012/Annotations/0.xml", VOC), ("VOCdevkit/VOC2012/ImageSets/Main/train.txt", "0\n")],
            "Pascal VOC detection dataset",
        ),
        (["images"], [("annotations/1.xml", VOC)], "Pascal VOC detection dataset"),
        (["images"], [("images/2.json", '{"shapes": []}')], "LabelMe dataset"),
        (["images"], [("labels.csv", "photo;sort\n0.png;a\n")], "'labels.csv' may contain the classes"),
        (["images"], [("imagelabels.mat", "x")], "'imagelabels.mat' may contain the classes"),
        (["jpg"], [("labels.txt", "0.png a\n")], "'labels.txt' may contain the classes"),
        (["faces"], [("attributes.csv", "image_id,Male\n0.png,1\n")], "lists the images of .* in one folder, but none"),
        (["images_001", "images_002"], [], "are not class names"),
        (["HAM_images_part_1", "HAM_images_part_2"], [], "numbered parts of one set of images"),
        (["bottle/train/good", "bottle/test/bad", "cable/train/good", "cable/test/bad"], [], "several datasets"),
        (["a/train", "a/test", "b"], [], "splits inside some class folders"),
        (["train/a", "train/b", "more"], [], "contains split folders"),
        (["my_train/a", "my_test/a", "extra"], [], "contains split folders"),
        (["train", "test"], [], "contains images but no class folders"),
        (["train_set", "test_set"], [], "contains images but no class folders"),
        (["a", "b", "flowers/a", "flowers/b"], [], "folders with the names of the classes next to it"),
        (["Testing/a", "Validation/a"], [], "has no training split"),
        (["Cat", "cat"], [], "differ only in letter case"),
        (["train/cat", "train/cat "], [], "differ only in letter case or spaces"),
    ],
)
def test_a_layout_that_is_refused(tmp_path, folders, others, message):
    with pytest.raises(InputError, match=message) as caught:
        scan(write(tmp_path, *folders, others=others))
    assert "\n" not in str(caught.value)


def test_a_wrapper_is_said_and_names_stay_relative_to_data(tmp_path):
    index = scan(write(tmp_path / "data", "photos/train/a", "photos/test/a"))
    assert index.root == tmp_path / "data"
    assert index.files[0].file_name == "photos/test/a/0.png"
    assert index.notes == ("data contains only the folder 'photos', which was read as the dataset",)


def test_masks_are_left_out_and_said(tmp_path):
    index = scan(write(tmp_path, "train/good", "test/bad", "ground_truth/bad|_mask"))
    [entry] = index.passed_over
    assert entry.files == tuple(f"ground_truth/bad/{i}_mask.png" for i in range(3))
    assert index.unseen == ("bad",)


@pytest.mark.parametrize(
    ("folders", "expected"),
    [
        (["train/good", "test/good", "test/bad", "ground_truth/bad"], {"train": ["good"], "test": ["good", "bad"]}),
        (["test/bad", "ground_truth/bad"], {"test": ["bad"]}),
        (["photos/a", "photos/b"], {"train": AB}),
    ],
)
def test_layouts_for_a_trained_model(tmp_path, folders, expected):
    assert found(write(tmp_path, *folders), training=False) == expected


def test_images_that_are_not_read_are_in_the_list_of_what_is_not_used(tmp_path):
    write(tmp_path, "seg_train/a", "seg_test/a", "seg_pred")
    assert [(entry.reason, len(entry.files)) for entry in scan(tmp_path).passed_over] == [("without a label", 3)]
    write(tmp_path / "other", "train/a", "val/images")
    assert [(entry.reason, len(entry.files)) for entry in scan(tmp_path / "other").passed_over] == [
        ("without a label", 3)
    ]


def test_masks_beside_loose_images_are_left_out_for_a_trained_model(tmp_path):
    index = scan(write(tmp_path, ".", ".|_mask"), training=False)
    assert [file.file_name for file in index.files] == ["0.png", "1.png", "2.png"]
    assert [entry.reason for entry in index.passed_over] == ["mask of another image"]


@pytest.mark.parametrize("name", ["{}_mask", "mask_{}", "{}-gt", "{}.label", "{} seg", "{}_MASK", "{}_mask_1"])
@pytest.mark.parametrize("image", ["{}", "img_{}", "x {}"])
def test_a_mask_beside_its_image_is_left_out_however_it_is_named(tmp_path, name, image):
    for i in range(3):
        save(tmp_path / "a" / f"{image.format(i)}.png")
        save(tmp_path / "a" / f"{name.format(image.format(i))}.png")
    assert [file.path.stem for file in scan(tmp_path).files] == [image.format(i) for i in range(3)]


def test_every_image_is_read_or_in_the_list_of_what_is_not_used(tmp_path):
    write(tmp_path, "a/train", "a/val", "b/train", ".", others=[("a/notes.txt", "x")])
    index = scan(tmp_path)
    listed = [name for entry in index.passed_over for name in entry.files]
    there = [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()]
    assert sorted([*listed, *(file.file_name for file in index.files)]) == sorted(there)


def test_a_trained_model_refuses_masks_and_names_the_folder_to_give(tmp_path):
    with pytest.raises(InputError, match=r"commands that use a trained model need no classes and read .*images"):
        scan(write(tmp_path, "images", "masks"), training=False)
    assert len(scan(tmp_path / "images", training=False).files) == 3


def test_a_class_under_two_unicode_forms_is_one(tmp_path):
    index = scan(write(tmp_path, "caf\u00e9", "cafe\u0301", "tea"))
    assert index.classes == ("caf\u00e9", "tea")
    assert index.counts("train") == {"caf\u00e9": 6, "tea": 3}
    assert "Unicode form" in index.notes[0]


def test_a_class_in_two_letter_cases_across_splits_gets_the_spelling_of_train(tmp_path):
    index = scan(write(tmp_path, "train/Cat", "train/dog", "test/cat", "test/Dog"))
    assert index.classes == ("Cat", "dog")
    assert index.counts("test") == {"Cat": 3, "dog": 3}
    assert len(index.notes) == 2


def test_letters_of_two_cases_stay_two_classes_and_it_is_said(tmp_path):
    index = scan(write(tmp_path, "a", "A"))
    assert index.classes == ("A", "a")
    assert index.notes == ("classes that differ only in letter case are kept apart: 'A', 'a'",)


def test_labels_none_reads_folders_whatever_tables_there_are(tmp_path):
    write(tmp_path, "a", "b", others=[("labels.csv", "file_name,label\na/0.png,b\nb/0.png,a\n")])
    with pytest.raises(InputError, match=r"labels 'a/0.png' as 'b', but its folder is called 'a', and 1 more"):
        scan(tmp_path)
    assert scan(tmp_path, options=LabelOptions("none")).classes == ("a", "b")


def test_an_empty_class_folder_in_train_is_no_fault_where_the_class_has_test_images(tmp_path):
    write(tmp_path, "train/good", "test/bad")
    (tmp_path / "train" / "bad").mkdir()
    index = scan(tmp_path)
    assert (index.classes, index.unseen) == (("good",), ("bad",))
