"""Many runs: in a loop, stacked, over worker processes."""
