"""Everything before syncing: discovery of the host, permissions, API versions, kubeconfig."""
