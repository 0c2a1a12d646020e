"""Every escape of the threat list, tried by a tenant inside; judged by what the host has."""
