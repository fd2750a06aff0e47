"""Smallest functions of each framework, with the events that they take: what they share is nothing."""
