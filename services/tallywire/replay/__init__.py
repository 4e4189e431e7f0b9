"""Generations as a product: replay beside the live count, compare, promote, roll back."""
