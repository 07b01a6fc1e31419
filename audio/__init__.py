"""Sound: decoding, front-ends, networks, sound events and pitch."""
