"""The landscape of x² on all pairs, in closed form."""
