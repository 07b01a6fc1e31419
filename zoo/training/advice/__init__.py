"""Advise which network to train on some data."""
