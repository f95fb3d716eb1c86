"""Between maxima: saddles, what they join, the graph and its store."""
