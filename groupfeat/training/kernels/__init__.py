"""The compiled loops; the only place of this room that imports numba."""
