"""Live audio: chunks from a microphone in, results of networks for the last seconds out."""
