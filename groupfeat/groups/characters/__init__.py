"""Class functions: the character table, its arithmetic, its exact values."""
