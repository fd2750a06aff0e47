"""What is generated, decided before anything is written."""
