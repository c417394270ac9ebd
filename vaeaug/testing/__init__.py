"""The test kit for plugin authors. One call checks everything the host relies on, and says what to fix.

Example:
    >>> from vaeaug.testing import check_variant
    >>> def test_my_variant() -> None:
    ...     check_variant(MyVariant)
    ...     check_variant(MyVariant, latent_dim=4)  # with other options

It needs no test framework, no data, no network and no GPU, and takes a few seconds. A failure is an `AssertionError`.
"""

from vaeaug.testing.loss import check_loss
from vaeaug.testing.sampler import check_sampler
from vaeaug.testing.variant import check_variant

__all__ = ["check_loss", "check_sampler", "check_variant"]
