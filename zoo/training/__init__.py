"""Transfer learning: from labelled examples to a network of the zoo that tells their classes apart."""
