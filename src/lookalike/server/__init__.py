"""A collection over HTTP: the API, the page on it, and what keeps both safe. Needs the extra `[serve]`."""
