"""A small image classifier, used to filter samples and to evaluate whether they help."""
