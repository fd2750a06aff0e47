"""What `blackcat doctor` looks for: checks of a project, and of AWS against its declaration."""
