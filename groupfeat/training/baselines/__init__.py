"""Networks that are compared with: a transformer, and paired nodes."""
