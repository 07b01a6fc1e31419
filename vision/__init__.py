"""Pictures: decoding, preprocessing and the catalog of image networks."""
