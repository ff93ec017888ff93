"""Does what a plan says, step by step."""
