"""Training runs, alone and stacked: optimisers, epochs, checkpoints."""
