"""Where metrics go: CloudWatch's embedded format, or Prometheus."""
