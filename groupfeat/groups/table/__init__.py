"""One finite group: its Cayley table, classes, and the ways elements are listed."""
