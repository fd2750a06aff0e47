"""What the platform around a process tells of itself."""
