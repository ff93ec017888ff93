"""How fast a replay is, beside other ways to restore the same backup: ``make bench``. No test."""
