"""The reference library: imported editions of official tables, and what they answer together."""
