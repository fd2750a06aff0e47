"""Dead letters looked at, redriven and purged: against the ports, so that no message is ever lost."""
