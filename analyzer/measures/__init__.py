"""The figures of model quality, from counts and sums alone: one kind of problem a file."""
