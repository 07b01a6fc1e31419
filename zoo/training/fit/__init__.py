"""Train networks and heads."""
