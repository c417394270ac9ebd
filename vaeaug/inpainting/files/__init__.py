"""Replace pixels in image files and keep everything else in the file unchanged.

One module per container (`png`, `tiff`, `gif`, `webp`), and `other` for formats that cannot store a completed image.
"""
