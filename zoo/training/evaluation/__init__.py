"""Measure how well networks classify."""
