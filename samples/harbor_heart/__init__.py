"""Harbor Heart Center: an invented heart centre, its ordinary claims and its seeded mistakes."""
