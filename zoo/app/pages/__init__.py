"""The pages of the app: thin, one a file; what they share is in `zoo.app.components` and `zoo.app.state`."""
