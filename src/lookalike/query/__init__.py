"""What is asked: words, pictures, sums and filters, parsed into a Query."""
