"""The acts that a plan is made of, one function a kind of step.

Each takes the context and its step, does it, and asserts that it is done; it raises when not.
"""
