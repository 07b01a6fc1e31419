"""Pictures: decoding, preprocessing and the catalogue of image networks."""
