"""Upgrades, rehearsed on a rebuilt environment: measure, upgrade, measure again, compare.

The road book names what people check besides; what was accepted is archived with all that takes it
back.
"""
