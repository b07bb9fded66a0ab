"""From a question to one list: ask, verify, fuse, explain."""
