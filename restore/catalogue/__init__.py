"""Readers of generations: how each layout describes what it holds."""
