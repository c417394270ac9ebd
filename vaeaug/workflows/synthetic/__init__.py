"""Make datasets with synthetic images: shared by `augment`, `sample` and the folds of `evaluate`."""
