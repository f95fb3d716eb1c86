"""The roads to a group: families, products, generators, presentations, files, SPEC."""
