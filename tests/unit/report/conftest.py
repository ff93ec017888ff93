"""Documents of a small generation."""

from tests.support.prerequisites import make_prerequisites

__all__ = ["make_prerequisites"]
