"""What plugins use and do, in numbers: sampled when somebody looks, and written for OpenMetrics."""
