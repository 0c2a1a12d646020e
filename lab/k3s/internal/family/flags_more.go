package family

// Flags that k3s parses and that mean nothing to a server without an agent and without etcd: they are known so that
// they are not refused, and ignored.
var ignoredFlags = []Flag{
	{Names: "etcd-expose-metrics", Kind: Bool, Span: since(20)},
	{Names: "etcd-disable-snapshots", Kind: Bool, Span: since(19)},
	{Names: "etcd-snapshot-name", Span: since(20), Default: "etcd-snapshot"},
	{Names: "etcd-snapshot-schedule-cron", Span: since(19), Default: "0 */12 * * *"},
	{Names: "etcd-snapshot-reconcile-interval", Kind: Duration, Span: since(31), Default: "10m"},
	{Names: "etcd-snapshot-retention", Kind: Int, Span: since(19), Default: "5"},
	{Names: "etcd-snapshot-dir", Span: since(19)},
	{Names: "etcd-snapshot-compress", Kind: Bool, Span: since(23)},
	{Names: "etcd-status-timeout", Kind: Duration, Span: since(35), Default: "30s"}, // ≈
	{Names: "etcd-s3", Kind: Bool, Span: since(20)},
	{Names: "etcd-s3-endpoint", Span: since(20), Default: "s3.amazonaws.com"},
	{Names: "etcd-s3-endpoint-ca", Span: since(20)},
	{Names: "etcd-s3-skip-ssl-verify", Kind: Bool, Span: since(20)},
	{Names: "etcd-s3-access-key", Span: since(20), Env: "AWS_ACCESS_KEY_ID"},
	{Names: "etcd-s3-secret-key", Span: since(20), Env: "AWS_SECRET_ACCESS_KEY"},
	{Names: "etcd-s3-session-token", Span: since(33), Env: "AWS_SESSION_TOKEN"}, // ≈
	{Names: "etcd-s3-bucket", Span: since(20)},
	{Names: "etcd-s3-bucket-lookup-type", Span: since(33)}, // ≈
	{Names: "etcd-s3-region", Span: since(20), Default: "us-east-1"},
	{Names: "etcd-s3-folder", Span: since(20)},
	{Names: "etcd-s3-retention", Kind: Int, Span: since(33), Default: "5"}, // ≈
	{Names: "etcd-s3-proxy", Span: since(31)},
	{Names: "etcd-s3-config-secret", Span: since(31)},
	{Names: "etcd-s3-insecure", Kind: Bool, Span: since(22)},
	{Names: "etcd-s3-timeout", Kind: Duration, Span: since(22), Default: "5m"},
	{Names: "node-name", Span: always, Env: "K3S_NODE_NAME"},
	{Names: "with-node-id", Kind: Bool, Span: always},
	{Names: "node-label", Kind: Slice, Span: always},
	{Names: "node-taint", Kind: Slice, Span: always},
	{Names: "image-credential-provider-bin-dir", Span: since(22)},
	{Names: "image-credential-provider-config", Span: since(22)},
	{Names: "docker", Kind: Bool, Span: always},
	{Names: "container-runtime-endpoint", Span: always},
	{Names: "default-runtime", Span: since(29)},
	{Names: "image-service-endpoint", Span: since(27)},
	{Names: "disable-default-registry-endpoint", Kind: Bool, Span: since(29)},
	{Names: "nonroot-devices", Kind: Bool, Span: since(31)}, // ≈
	{Names: "pause-image", Span: always},
	{Names: "snapshotter", Span: since(19), Default: "overlayfs"},
	{Names: "private-registry", Span: always, Default: "/etc/rancher/k3s/registries.yaml"},
	{Names: "airgap-extra-registry", Kind: Slice, Span: since(22), Hidden: true},
	{Names: "node-ip,i", Kind: Slice, Span: always},
	{Names: "node-external-ip", Kind: Slice, Span: always},
	{Names: "node-internal-dns", Kind: Slice, Span: since(32)}, // ≈
	{Names: "node-external-dns", Kind: Slice, Span: since(32)}, // ≈
	{Names: "resolv-conf", Span: always, Env: "K3S_RESOLV_CONF"},
	{Names: "flannel-iface", Span: always},
	{Names: "flannel-conf", Span: always},
	{Names: "flannel-cni-conf", Span: since(26)},
	{Names: "vpn-auth", Span: since(26), Env: "K3S_VPN_AUTH"},
	{Names: "vpn-auth-file", Span: since(26), Env: "K3S_VPN_AUTH_FILE"},
	{Names: "protect-kernel-defaults", Kind: Bool, Span: since(19)},
	{Names: "prefer-bundled-bin", Kind: Bool, Span: since(24)},
	{Names: "selinux", Kind: Bool, Span: since(19), Env: "K3S_SELINUX"},
	{Names: "lb-server-port", Kind: Int, Span: since(20), Default: "6444", Env: "K3S_LB_SERVER_PORT"},
	{Names: "no-flannel", Kind: Bool, Span: until(24), Hidden: true},
	{Names: "disable-selinux", Kind: Bool, Span: Span{17, 24}, Hidden: true},
}

func init() { serverFlags = append(serverFlags, ignoredFlags...) }
