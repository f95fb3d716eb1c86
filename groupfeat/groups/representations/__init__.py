"""Irreps as matrices, other representations, and Fourier analysis with them."""
