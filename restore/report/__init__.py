"""Renderings of a report, from its results alone: JSON, HTML in two languages, JUnit. All pure."""
