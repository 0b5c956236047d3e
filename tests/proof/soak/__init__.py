"""A soak under accidents, and a checker of what was acknowledged, run and done in it."""
