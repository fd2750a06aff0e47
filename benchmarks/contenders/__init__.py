"""What is measured: one module for each contender, run as a process of its own."""
