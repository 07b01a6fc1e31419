"""Imported networks: a graph as data, and the closed table of operators that its nodes may name."""
