"""Building the artifacts of a Lambda function: the project's files, wheels, reproducible zips."""
