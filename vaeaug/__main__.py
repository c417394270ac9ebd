"""`python -m vaeaug` is `vaeaug`."""

from vaeaug.cli import main

if __name__ == "__main__":
    main()
