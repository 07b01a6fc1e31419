"""The pages of the app: thin, one a file; what they share is in `asking` and `shared`."""
