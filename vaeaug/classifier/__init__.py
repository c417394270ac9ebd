"""A small image classifier, for what needs a judge: filters of samples, and the question whether they help."""
