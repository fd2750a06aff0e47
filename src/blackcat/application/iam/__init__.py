"""Least privilege: what a service may do in AWS, as policies; and where grants and calls drift apart."""
