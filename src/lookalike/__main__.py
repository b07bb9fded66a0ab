"""`python -m lookalike`, for where the script is not on the path."""

from lookalike.cli import main

main()
