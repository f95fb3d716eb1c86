"""The networks: layers, activations, logits, losses, gradients by hand."""
