"""Production becomes a generation."""
