"""What is to be learned: group products, expressions, words, labelled tables."""
