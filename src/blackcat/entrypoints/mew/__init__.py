"""What the thin files of ``core/mew`` bind to: the runtime of projects in the lambda layout."""
