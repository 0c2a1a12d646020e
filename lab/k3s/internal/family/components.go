package family

// APIServer is what k3s passes to kube-apiserver. Left out on purpose: advertise-port, which only k3s' own fork of
// Kubernetes has (the front writes the Endpoints of default/kubernetes instead).
var APIServer = []Arg{
	{Name: "storage-backend", Value: "etcd3", Span: always},
	{Name: "etcd-servers", Value: "${etcd}", Span: always},
	{Name: "cert-dir", Value: "${tls}/temporary-certs", Span: always},
	{Name: "allow-privileged", Value: "true", Span: always},
	{Name: "authorization-mode", Value: "Node,RBAC", Span: always},
	{Name: "anonymous-auth", Value: "false", Span: always},
	{Name: "basic-auth-file", Value: "${cred}/passwd", Span: until(18)},
	{Name: "insecure-port", Value: "0", Span: until(19)},
	{Name: "enable-bootstrap-token-auth", Value: "true", Span: since(22)}, // ≈
	{Name: "service-account-signing-key-file", Value: "${tls}/service.key", Span: until(25)},
	{Name: "service-account-signing-key-file", Value: "${tls}/service.current.key", Span: since(26)},
	{Name: "service-account-key-file", Value: "${tls}/service.key", Span: always},
	{Name: "service-account-issuer", Value: "k3s", Span: until(19)},
	{Name: "api-audiences", Value: "unknown", Span: until(19)},
	{Name: "service-account-issuer", Value: "https://kubernetes.default.svc.${domain}", Span: since(20)},
	{Name: "api-audiences", Value: "https://kubernetes.default.svc.${domain},k3s", Span: since(20)},
	{Name: "service-cluster-ip-range", Value: "${services}", Span: always},
	{Name: "service-node-port-range", Value: "${nodeports}", Span: since(19)},
	{Name: "advertise-address", Value: "${advertise}", Span: always},
	{Name: "bind-address", Value: "${apiserver-bind}", Span: always},
	{Name: "secure-port", Value: "${apiserver-port}", Span: always},
	{Name: "tls-cert-file", Value: "${tls}/serving-kube-apiserver.crt", Span: always},
	{Name: "tls-private-key-file", Value: "${tls}/serving-kube-apiserver.key", Span: always},
	{Name: "client-ca-file", Value: "${tls}/client-ca.crt", Span: always},
	{Name: "kubelet-certificate-authority", Value: "${tls}/server-ca.crt", Span: always},
	{Name: "kubelet-client-certificate", Value: "${tls}/client-kube-apiserver.crt", Span: always},
	{Name: "kubelet-client-key", Value: "${tls}/client-kube-apiserver.key", Span: always},
	{Name: "kubelet-preferred-address-types", Value: "InternalIP,ExternalIP,Hostname", Span: since(22)},
	{Name: "requestheader-client-ca-file", Value: "${tls}/request-header-ca.crt", Span: always},
	{Name: "requestheader-allowed-names", Value: "system:auth-proxy", Span: always},
	{Name: "requestheader-username-headers", Value: "X-Remote-User", Span: always},
	{Name: "requestheader-group-headers", Value: "X-Remote-Group", Span: always},
	{Name: "requestheader-extra-headers-prefix", Value: "X-Remote-Extra-", Span: always},
	{Name: "proxy-client-cert-file", Value: "${tls}/client-auth-proxy.crt", Span: always},
	{Name: "proxy-client-key-file", Value: "${tls}/client-auth-proxy.key", Span: always},
	{Name: "enable-admission-plugins", Value: "NodeRestriction", Span: always},
	{Name: "profiling", Value: "false", Span: since(19)},
	{Name: "tls-cipher-suites", Value: cipherSuites, Span: since(20)}, // ≈
	{Name: "enable-aggregator-routing", Value: "true", Span: since(22), When: WithEgress},
	{Name: "egress-selector-config-file", Value: "${etc}/egress-selector-config.yaml", Span: since(22), When: WithEgress},
	// k3s 1.16 patches the dialer of kubelets; an egress selector of upstream 1.16 replaces that very dialer and no other.
	{Name: "egress-selector-config-file", Value: "${etc}/egress-selector-config.yaml", Span: until(16), When: WithTunnel},
	{Name: "encryption-provider-config", Value: "${cred}/encryption-config.json", Span: since(17), When: WithEncryption},
	{Name: "encryption-provider-config-automatic-reload", Value: "true", Span: since(27), When: WithEncryption},
	{Name: "v", Value: "${v}", Span: always, When: "v"},
	{Name: "vmodule", Value: "${vmodule}", Span: always, When: "vmodule"},
}

const cipherSuites = "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384," +
	"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256," +
	"TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305,TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305"

// ControllerManager is what k3s passes to kube-controller-manager.
var ControllerManager = []Arg{
	{Name: "kubeconfig", Value: "${cred}/controller.kubeconfig", Span: always},
	{Name: "authorization-kubeconfig", Value: "${cred}/controller.kubeconfig", Span: since(19)},
	{Name: "authentication-kubeconfig", Value: "${cred}/controller.kubeconfig", Span: since(19)},
	{Name: "service-account-private-key-file", Value: "${tls}/service.key", Span: until(25)},
	{Name: "service-account-private-key-file", Value: "${tls}/service.current.key", Span: since(26)},
	{Name: "allocate-node-cidrs", Value: "true", Span: always},
	{Name: "cluster-cidr", Value: "${pods}", Span: always},
	{Name: "service-cluster-ip-range", Value: "${services}", Span: since(22)},
	{Name: "root-ca-file", Value: "${tls}/server-ca.crt", Span: always},
	{Name: "use-service-account-credentials", Value: "true", Span: always},
	{Name: "bind-address", Value: "127.0.0.1", Span: always},
	{Name: "port", Value: "10252", Span: until(21)},
	{Name: "secure-port", Value: "0", Span: until(21)},
	{Name: "secure-port", Value: "10257", Span: since(22)},
	{Name: "profiling", Value: "false", Span: since(19)},
	{Name: "tls-cert-file", Value: "${tls}/kube-controller-manager/kube-controller-manager.crt", Span: since(33)}, // ≈
	{Name: "tls-private-key-file", Value: "${tls}/kube-controller-manager/kube-controller-manager.key", Span: since(33)},
	{Name: "leader-elect", Value: "false", Span: always, When: WithoutLeaders},
	{Name: "cluster-signing-cert-file", Value: "${tls}/server-ca.crt", Span: until(18)},
	{Name: "cluster-signing-key-file", Value: "${tls}/server-ca.key", Span: until(18)},
	{Name: "cluster-signing-cert-file", Value: "${tls}/client-ca.crt", Span: Span{19, 21}},
	{Name: "cluster-signing-key-file", Value: "${tls}/client-ca.key", Span: Span{19, 21}},
	{Name: "cluster-signing-kube-apiserver-client-cert-file", Value: "${tls}/client-ca.nochain.crt", Span: since(22)},
	{Name: "cluster-signing-kube-apiserver-client-key-file", Value: "${tls}/client-ca.key", Span: since(22)},
	{Name: "cluster-signing-kubelet-client-cert-file", Value: "${tls}/client-ca.nochain.crt", Span: since(22)},
	{Name: "cluster-signing-kubelet-client-key-file", Value: "${tls}/client-ca.key", Span: since(22)},
	{Name: "cluster-signing-kubelet-serving-cert-file", Value: "${tls}/server-ca.nochain.crt", Span: since(22)},
	{Name: "cluster-signing-kubelet-serving-key-file", Value: "${tls}/server-ca.key", Span: since(22)},
	{Name: "cluster-signing-legacy-unknown-cert-file", Value: "${tls}/server-ca.nochain.crt", Span: since(22)},
	{Name: "cluster-signing-legacy-unknown-key-file", Value: "${tls}/server-ca.key", Span: since(22)},
	{Name: "controllers", Value: "*,tokencleaner", Span: since(24)}, // ≈
	// The cloud controller takes these over. A later row of the same name wins.
	{Name: "controllers", Value: "*,-service,-route,-cloud-node-lifecycle", Span: Span{20, 23}, When: WithCloud},
	{Name: "controllers", Value: "*,tokencleaner,-service,-route,-cloud-node-lifecycle", Span: since(24), When: WithCloud},
	{Name: "configure-cloud-routes", Value: "false", Span: since(20), When: WithCloud},
	{Name: "v", Value: "${v}", Span: always, When: "v"},
	{Name: "vmodule", Value: "${vmodule}", Span: always, When: "vmodule"},
}

// Scheduler is what k3s passes to kube-scheduler.
var Scheduler = []Arg{
	{Name: "kubeconfig", Value: "${cred}/scheduler.kubeconfig", Span: always},
	{Name: "authorization-kubeconfig", Value: "${cred}/scheduler.kubeconfig", Span: since(19)},
	{Name: "authentication-kubeconfig", Value: "${cred}/scheduler.kubeconfig", Span: since(19)},
	{Name: "bind-address", Value: "127.0.0.1", Span: always},
	{Name: "port", Value: "10251", Span: until(21)},
	{Name: "secure-port", Value: "0", Span: until(21)},
	{Name: "secure-port", Value: "10259", Span: since(22)},
	{Name: "profiling", Value: "false", Span: since(19)},
	{Name: "tls-cert-file", Value: "${tls}/kube-scheduler/kube-scheduler.crt", Span: since(33)}, // ≈
	{Name: "tls-private-key-file", Value: "${tls}/kube-scheduler/kube-scheduler.key", Span: since(33)},
	{Name: "leader-elect", Value: "false", Span: always, When: WithoutLeaders},
}
