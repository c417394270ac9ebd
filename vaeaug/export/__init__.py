"""The dataset-directory writer."""
