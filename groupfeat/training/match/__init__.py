"""Which irrep each hidden node carries."""
