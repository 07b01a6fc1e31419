"""Figures, made from arrays and tables."""
