"""The chart on hosts of every version that has a preset: chart-testing and the end-to-end tests."""
