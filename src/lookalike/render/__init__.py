"""Pictures for people: contact sheets and matches drawn."""
