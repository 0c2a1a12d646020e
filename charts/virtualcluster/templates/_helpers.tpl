{{/* Names of the objects, one helper each. Everything is derived from the release's name, so several virtual clusters
     fit into one namespace. _validate.tpl refuses release names that do not leave room for the suffixes. */}}

{{/* StatefulSet, and by it the pod "<release>-0". */}}
{{- define "virtualcluster.statefulset.name" -}}{{ .Release.Name }}{{- end }}

{{/* Service of the virtual API server. */}}
{{- define "virtualcluster.service.name" -}}{{ .Release.Name }}{{- end }}

{{/* Headless Service that a StatefulSet has to name. */}}
{{- define "virtualcluster.headless.name" -}}{{ .Release.Name }}-headless{{- end }}

{{/* Ingress in front of the virtual API server. */}}
{{- define "virtualcluster.ingress.name" -}}{{ .Release.Name }}{{- end }}

{{/* ConfigMap that owns everything the syncer creates on the host. */}}
{{- define "virtualcluster.anchor.name" -}}{{ .Release.Name }}-anchor{{- end }}

{{/* ConfigMap that the init container writes: what it found out about the host. Not an object of the chart. */}}
{{- define "virtualcluster.discovered.name" -}}{{ .Release.Name }}-discovered{{- end }}

{{/* Secret that the syncer writes: the kubeconfig. Not an object of the chart. */}}
{{- define "virtualcluster.kubeconfig.name" -}}vc-{{ .Release.Name }}{{- end }}

{{/* Secret with the token of k3s, which the init container makes where there is a datastore outside of the pod. Not an
     object of the chart. */}}
{{- define "virtualcluster.k3sToken.name" -}}{{ .Release.Name }}-k3s-token{{- end }}

{{/* Lease by which one of several syncers leads. It is made by the first. Not an object of the chart. */}}
{{- define "virtualcluster.lease.name" -}}{{ .Release.Name }}-syncer{{- end }}

{{/* PersistentVolumeClaim of the control plane. */}}
{{- define "virtualcluster.data.name" -}}{{ .Release.Name }}-data{{- end }}

{{/* ServiceAccount, Role and RoleBinding of the syncer. */}}
{{- define "virtualcluster.serviceaccount.name" -}}{{ .Release.Name }}{{- end }}
{{- define "virtualcluster.role.name" -}}{{ .Release.Name }}{{- end }}
{{- define "virtualcluster.rolebinding.name" -}}{{ .Release.Name }}{{- end }}

{{/* ClusterRole and ClusterRoleBinding of the syncer. Neither a namespace nor a release has a colon in its name, so two
     releases never share one. */}}
{{- define "virtualcluster.clusterrole.name" -}}virtualcluster:{{ .Release.Namespace }}:{{ .Release.Name }}{{- end }}

{{/* Secret with the syncer's token, on hosts that cannot project one. */}}
{{- define "virtualcluster.token.name" -}}{{ .Release.Name }}-token{{- end }}

{{/* ServiceAccount without rights under which the pods of the virtual cluster run. */}}
{{- define "virtualcluster.workload.name" -}}{{ .Release.Name }}-workload{{- end }}

{{/* Everything of the check before an installation. */}}
{{- define "virtualcluster.preflight.name" -}}{{ .Release.Name }}-preflight{{- end }}

{{/* What exists by value only. */}}
{{- define "virtualcluster.networkpolicy.linklocal.name" -}}{{ .Release.Name }}-link-local{{- end }}
{{- define "virtualcluster.networkpolicy.controlplane.name" -}}{{ .Release.Name }}-control-plane{{- end }}
{{- define "virtualcluster.networkpolicy.workloads.name" -}}{{ .Release.Name }}-workloads{{- end }}
{{- define "virtualcluster.resourcequota.name" -}}{{ .Release.Name }}{{- end }}
{{- define "virtualcluster.limitrange.name" -}}{{ .Release.Name }}{{- end }}
{{- define "virtualcluster.poddisruptionbudget.name" -}}{{ .Release.Name }}{{- end }}

{{/* Service and ServiceMonitor of the syncer's metrics; the name is what Prometheus calls their job. */}}
{{- define "virtualcluster.metrics.name" -}}{{ .Release.Name }}-metrics{{- end }}
{{- define "virtualcluster.prometheusrule.name" -}}{{ .Release.Name }}{{- end }}
{{- define "virtualcluster.dashboard.name" -}}{{ .Release.Name }}-dashboard{{- end }}

{{/* The label that tells the Service of the metrics from the others. */}}
{{- define "virtualcluster.metrics.label" -}}
app.kubernetes.io/component: metrics
{{- end }}

{{/* The labels that select the control plane's pod; pods of tenants cannot wear them. */}}
{{- define "virtualcluster.selectorLabels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: control-plane
{{- end }}

{{/* The label that selects what the syncer created on the host. */}}
{{- define "virtualcluster.syncedLabels" -}}
virtualcluster.dev/managed-by: {{ .Release.Name }}
{{- end }}

{{/* The labels of every object of the chart. */}}
{{- define "virtualcluster.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name (.Chart.Version | replace "+" "_") }}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{/* The name under which the virtual API server dials the kubelet endpoint of the syncer; the pod's /etc/hosts leads it
     to the loopback interface that both containers share. Not a --tls-san: k3s would take over that node address. */}}
{{- define "virtualcluster.kubelet.host" -}}kubelet.virtualcluster.internal{{- end }}
