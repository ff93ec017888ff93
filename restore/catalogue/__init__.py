"""Readers of generations: how each layout describes what it holds, and which one is chosen."""
