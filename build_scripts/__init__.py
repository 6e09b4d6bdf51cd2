"""Set-up, checks, packaging."""
