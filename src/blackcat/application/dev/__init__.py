"""What ``blackcat dev`` decides: what runs where, when it starts again, and what is never touched."""
