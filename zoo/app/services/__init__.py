"""Work of the app behind its pages."""
