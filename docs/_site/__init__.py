"""What the docs site generates."""
