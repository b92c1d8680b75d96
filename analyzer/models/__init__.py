"""Ways to ask the user's model for scores: one way a file, behind `Model`."""
