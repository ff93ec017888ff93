"""Staging copies: environments that are made from a generation, kept for a time, and have an owner.

What a copy is, and when it is due, is decided purely (``copies``, ``places``); ``records`` keeps
them, ``occupied`` looks what is taken, ``life`` makes, renews and ends them.
"""
