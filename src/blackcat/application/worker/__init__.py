"""A worker: one run of a job, within its bounds."""
