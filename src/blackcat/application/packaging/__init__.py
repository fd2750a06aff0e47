"""What goes into the artifacts of a Lambda function, what may not, and what Lambda takes. Pure decisions."""
