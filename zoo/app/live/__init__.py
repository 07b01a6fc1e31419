"""Live sound: chunks from a microphone in, what networks hear now out."""
