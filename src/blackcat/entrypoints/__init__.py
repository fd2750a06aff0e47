"""The driving side: what starts Blackcat, and the only place where parts are put together."""
