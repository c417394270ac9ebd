"""Tell how strange images are, and which labels are suspicious."""
