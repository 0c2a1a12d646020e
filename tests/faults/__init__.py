"""Fault injection: two real API servers, the real syncer, and a proxy between them that fails."""
