"""Tell whether synthetic images help a classifier."""
