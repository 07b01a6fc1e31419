"""Fuzz every reader of the zoo: mutate small valid files; each must be read, or refused in a sentence.

Each format has seeds (valid files, made here), mutators that keep checksums and lengths valid so that deep
code is reached, and the reader under test. The seed of a run, a format and a number determine a case.
"""
