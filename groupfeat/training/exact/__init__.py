"""Networks written down from irreps, without training."""
