{{/* The containers of the syncer: what finds out about the host first, and what runs. */}}
{{- define "virtualcluster.container.discover" -}}
name: discover
image: {{ include "virtualcluster.syncer.image" . }}
imagePullPolicy: {{ .Values.syncer.imagePullPolicy }}
args: {{- include "virtualcluster.syncer.discoverArgs" . | nindent 2 }}
{{- with .Values.syncer.extraEnv }}
env: {{- toYaml . | nindent 2 }}
{{- end }}
resources: {{- toYaml .Values.syncer.resources | nindent 2 }}
securityContext: {{- include "virtualcluster.securityContextWithoutRoot" . | nindent 2 }}
volumeMounts:
  {{- include "virtualcluster.hostToken.mount" . | nindent 2 }}
  - name: syncer-scratch
    mountPath: /tmp
    subPath: tmp
{{- end }}

{{- define "virtualcluster.container.syncer" -}}
{{- $kubeconfigDir := include "virtualcluster.k3s.flag" (dict "flag" "write-kubeconfig" "root" .) | dir -}}
{{- $dataDir := include "virtualcluster.k3s.flag" (dict "flag" "data-dir" "root" .) -}}
name: syncer
image: {{ include "virtualcluster.syncer.image" . }}
imagePullPolicy: {{ .Values.syncer.imagePullPolicy }}
args: {{- include "virtualcluster.syncer.runArgs" . | nindent 2 }}
env:
  {{- with .Values.syncer.extraEnv }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
  {{- $fields := dict "POD_NAME" "metadata.name" "POD_IP" "status.podIP" "HOST_NODE_NAME" "spec.nodeName" "HOST_IP" "status.hostIP" }}
  {{- if include "virtualcluster.replicated" . }}
  {{- $fields = set $fields "POD_UID" "metadata.uid" }}
  {{- end }}
  {{- range $name, $path := $fields }}
  - name: {{ $name }}
    valueFrom:
      fieldRef:
        fieldPath: {{ $path }}
  {{- end }}
ports:
  - name: metrics
    containerPort: 8081
startupProbe:
  httpGet: {path: /livez, port: metrics}
  periodSeconds: 1
  failureThreshold: 600
# Ready when the virtual API server answers and everything was synced once.
readinessProbe:
  httpGet: {path: {{ include "virtualcluster.syncer.readiness" . | quote }}, port: metrics}
  periodSeconds: 1
  timeoutSeconds: 5
livenessProbe:
  httpGet: {path: /livez, port: metrics}
  {{- include "virtualcluster.liveness.delay" . | nindent 2 }}
  periodSeconds: 10
  timeoutSeconds: 10
  failureThreshold: 6
resources: {{- toYaml .Values.syncer.resources | nindent 2 }}
securityContext: {{- toYaml .Values.securityContext | nindent 2 }}
volumeMounts:
  {{- include "virtualcluster.hostToken.mount" . | nindent 2 }}
  - name: data
    mountPath: {{ $dataDir }}
    readOnly: true
  {{- if ne $kubeconfigDir $dataDir }}
  - name: kubeconfig
    mountPath: {{ $kubeconfigDir }}
    readOnly: true
  {{- end }}
  # Home of another user than root too, who could not look into that of the image.
  - name: syncer-scratch
    mountPath: /root
    subPath: root
  - name: kubeconfig-out
    mountPath: /root/.kube
  - name: syncer-scratch
    mountPath: /tmp
    subPath: tmp
{{- end }}

{{/* The host's credentials, for the syncer's containers only. */}}
{{- define "virtualcluster.hostToken.mount" -}}
- name: host-token
  mountPath: /var/run/secrets/kubernetes.io/serviceaccount
  readOnly: true
{{- end }}
