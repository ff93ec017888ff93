"""What an integrator hands to a client: the prerequisites of a restore, as a document. All pure.

``facts`` is what a document is made from, ``foreseen`` the plan that a drill would follow,
``composition`` the document in one language, ``render`` and ``pdf`` its forms. ``pdf`` is imported
by name, where it is needed: it takes a while.
"""

from restore.report.prerequisites.composition import compose
from restore.report.prerequisites.document import Document
from restore.report.prerequisites.facts import (
    Addresses,
    Expectation,
    Parties,
    Prerequisites,
    ServerLimits,
    StackFacts,
    is_drill_of,
)
from restore.report.prerequisites.foreseen import foresee
from restore.report.prerequisites.render import to_html, to_markdown

__all__ = [
    "Addresses",
    "Document",
    "Expectation",
    "Parties",
    "Prerequisites",
    "ServerLimits",
    "StackFacts",
    "compose",
    "foresee",
    "is_drill_of",
    "to_html",
    "to_markdown",
]
