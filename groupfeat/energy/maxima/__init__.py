"""End points grouped up to symmetry and matched to the predicted families."""
