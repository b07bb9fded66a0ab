"""From files to descriptors: walk, decode, describe, commit."""
