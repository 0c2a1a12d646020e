"""The syncer: mirrors a virtual cluster into one namespace of its host."""
