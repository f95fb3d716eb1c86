"""One frozen configuration that says everything, and presets by name."""
