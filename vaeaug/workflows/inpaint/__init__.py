"""Fill holes in images, or add images completed after a random hole to a dataset."""
