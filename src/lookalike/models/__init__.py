"""The networks behind `embedding` and `text`: registered, bundled, downloaded, opened."""
