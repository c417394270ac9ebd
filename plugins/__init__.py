"""Every variant and loss that ships with vaeaug, one idea a file, found through entry points as a stranger's are."""
