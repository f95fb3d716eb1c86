"""E(w) on a pair set: activations, variants, values, derivatives."""
