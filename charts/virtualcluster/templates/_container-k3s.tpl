{{/* The container of the virtual control plane. It holds no credentials of the host. */}}
{{- define "virtualcluster.container.k3s" -}}
{{- $kubeconfigDir := include "virtualcluster.k3s.flag" (dict "flag" "write-kubeconfig" "root" .) | dir -}}
{{- $dataDir := include "virtualcluster.k3s.flag" (dict "flag" "data-dir" "root" .) -}}
name: virtual-cluster
image: {{ include "virtualcluster.k3s.image" . }}
imagePullPolicy: {{ .Values.virtualCluster.imagePullPolicy }}
command: [/bin/k3s]
args: {{- include "virtualcluster.k3s.args" . | nindent 2 }}
env:
  {{- with .Values.virtualCluster.extraEnv }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
  {{- if include "virtualcluster.datastore.outside" . }}
  {{- include "virtualcluster.datastore.env" . | nindent 2 }}
  {{- end }}
  {{- $given := include "virtualcluster.k3s.givenFlags" . | fromJson }}
  {{- range $key, $flag := dict "SERVICE_IP" "" "SERVICE_CIDR" "service-cidr" "CLUSTER_DNS" "cluster-dns" }}
  {{- if not (hasKey $given $flag) }}
  - name: {{ $key }}
    valueFrom:
      configMapKeyRef:
        name: {{ include "virtualcluster.discovered.name" $ }}
        key: {{ $key }}
  {{- end }}
  {{- end }}
ports:
  - name: https
    containerPort: 8443
# k3s answers /ping without credentials, and nothing else.
startupProbe:
  httpGet: {path: /ping, port: https, scheme: HTTPS}
  periodSeconds: 1
  timeoutSeconds: 5
  failureThreshold: 600
readinessProbe:
  httpGet: {path: /ping, port: https, scheme: HTTPS}
  periodSeconds: 1
  timeoutSeconds: 5
  failureThreshold: 10
livenessProbe:
  httpGet: {path: /ping, port: https, scheme: HTTPS}
  {{- include "virtualcluster.liveness.delay" . | nindent 2 }}
  periodSeconds: 10
  timeoutSeconds: 10
  failureThreshold: 6
resources: {{- toYaml .Values.virtualCluster.resources | nindent 2 }}
securityContext: {{- toYaml .Values.securityContext | nindent 2 }}
volumeMounts:
  - name: data
    mountPath: {{ $dataDir }}
  {{- if ne $kubeconfigDir $dataDir }}
  - name: kubeconfig
    mountPath: {{ $kubeconfigDir }}
  {{- end }}
  {{- if include "virtualcluster.datastore.files" . | fromJson }}
  - name: datastore-tls
    mountPath: {{ include "virtualcluster.datastore.directory" . }}
    readOnly: true
  {{- end }}
  {{- range include "virtualcluster.k3s.writable" . | fromJsonArray }}
  - name: k3s-scratch
    mountPath: {{ . }}
    subPath: {{ base . }}
  {{- end }}
{{- end }}

{{/* Where k3s writes besides its data, as a JSON list: its root file system is read-only. */}}
{{- define "virtualcluster.k3s.writable" -}}
["/etc/rancher", "/run", "/tmp", "/var"]
{{- end }}
