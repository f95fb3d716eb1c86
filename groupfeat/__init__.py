"""Finite groups, their irreps, and the energy landscape of feature learning on group arithmetic.

The subpackages stand in one line, each importing only those before it:
``groupfeat.groups``, ``groupfeat.energy``, ``groupfeat.training``.
Importing ``groupfeat`` itself loads none of them.
"""

from importlib.metadata import version

__all__ = ["__version__"]

__version__ = version("groupfeat")
