"""Score how anomalous images are, and which labels are suspicious."""
