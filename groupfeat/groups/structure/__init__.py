"""Inside a group: subgroups, their lattice, graphs."""
