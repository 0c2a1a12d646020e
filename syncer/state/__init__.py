"""Both sides as last seen: stores, indexes, limits, the deletion brake. Pure."""
