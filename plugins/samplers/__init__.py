"""The samplers that vaeaug ships, one idea per file."""
