"""One training run: optimisers, epochs, checkpoints."""
