"""Clusters of kind: the node image, published or made here, and what such a cluster lacks."""
