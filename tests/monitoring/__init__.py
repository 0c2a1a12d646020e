"""What the chart gives to the host's monitoring, held against Prometheus' own tools."""
