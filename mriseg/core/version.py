"""What every output states of the program: its version, and what it is not for; imports nothing of it."""

__version__ = "0.1.0"
DISCLAIMER = "For research and education; not a medical device."
