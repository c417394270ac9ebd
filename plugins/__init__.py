"""Every variant, loss and sampler that ships with vaeaug, one idea per file, found as a stranger's plugins are."""
