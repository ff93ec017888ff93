"""A corpus of broken backups: each kind is one value that says how it is made and what refuses it.

``kinds.KINDS`` lists them all; ``tests/integration/test_corpus.py`` makes each from a good backup
and holds it against what it says, and the table in the documentation is made of the same values.
"""
