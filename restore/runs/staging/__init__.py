"""Staging copies: environments that are made from a generation, kept for a time, and have an owner.

What a copy is, and when it is due, is decided purely (``copies``); ``records`` keeps them,
``places`` finds what nobody else has, ``creation`` makes them, ``life`` renews and ends them.
"""
