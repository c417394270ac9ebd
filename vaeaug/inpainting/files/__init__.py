"""Image files whose pixels are replaced in place: everything else in the file is kept as it is.

One module per container (`png`, `tiff`, `gif`, `webp`), and `other` for formats that cannot hold a completed image.
"""
