"""What Blackcat knows without talking to anything: services, messages, outcomes, policies."""
