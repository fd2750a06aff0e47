"""A new version of a Lambda function, and the alias that follows it. Decisions, against ports."""
