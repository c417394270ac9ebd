"""A folder of images, read once into a memory-mapped cache."""
