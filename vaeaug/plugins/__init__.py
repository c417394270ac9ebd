"""The plugin host: find plugins, load them so that a broken one does not affect others, and list them; without torch.

`load()` imports torch as soon as there is a class to check; finding and listing never do.
"""

from vaeaug.plugins.problems import Problem
from vaeaug.plugins.registry import Provided, Registry, load
from vaeaug.plugins.sources import Source, find_sources

__all__ = ["Problem", "Provided", "Registry", "Source", "find_sources", "load"]
