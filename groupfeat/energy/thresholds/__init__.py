"""How many pairs keep a maximum, and what takes its place when too few do."""
