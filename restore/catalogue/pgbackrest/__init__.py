"""Physical backups of pgBackRest: brought back into a throw-away server, then dumped there."""
