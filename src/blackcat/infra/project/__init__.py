"""A project's files, as they are read and written."""
