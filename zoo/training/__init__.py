"""Transfer learning: from labeled examples to a network of the zoo that tells their classes apart."""
