"""Everything driven that is not AWS: configuration, logs, payload validation, health server, emulator."""
