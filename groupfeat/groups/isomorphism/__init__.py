"""Maps between groups: homomorphisms, isomorphisms, automorphisms, the SmallGroup id."""
