{{/* The syncer: its containers, their arguments, and the check before an installation. */}}

{{/* The init container, which discovers the host. */}}
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

{{/* The container of the syncer. */}}
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
  {{- $fields := dict
        "POD_NAME" "metadata.name"
        "POD_IP" "status.podIP"
        "HOST_NODE_NAME" "spec.nodeName"
        "HOST_IP" "status.hostIP" }}
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

{{/* The kinds that values and syncer.extraArgs switch on and off, as a JSON map of two lists. */}}
{{- define "virtualcluster.syncer.kinds" -}}
{{- $on := list -}}
{{- $off := list -}}
{{- if not .Values.sync.ingresses.enabled -}}{{- $off = append $off "ingresses" -}}{{- end -}}
{{- if .Values.sync.endpoints.enabled -}}{{- $on = append $on "endpoints" -}}{{- end -}}
{{- if .Values.sync.pods.ephemeralContainers -}}{{- $on = append $on "ephemeralcontainers" -}}{{- end -}}
{{- if .Values.sync.nodes.enabled -}}{{- $on = append $on "nodes" -}}{{- end -}}
{{- if include "virtualcluster.sync.metrics" . -}}
{{- $on = append $on "metrics" -}}
{{- if .Values.sync.nodes.enabled -}}{{- $on = append $on "nodemetrics" -}}{{- end -}}
{{- end -}}
{{- if .Values.sync.podDisruptionBudgets.enabled -}}{{- $on = append $on "poddisruptionbudgets" -}}{{- end -}}
{{- if .Values.sync.pods.resize -}}{{- $on = append $on "resize" -}}{{- end -}}
{{- range list "persistentVolumes" "storageClasses" "ingressClasses" "priorityClasses" "runtimeClasses" -}}
{{- if (get $.Values.sync .).enabled -}}{{- $on = append $on (lower .) -}}{{- end -}}
{{- end -}}
{{- range .Values.syncer.extraArgs -}}
{{- if hasPrefix "--disable-sync-resources=" . -}}
{{- $off = concat $off (trimPrefix "--disable-sync-resources=" . | splitList ",") -}}
{{- else if hasPrefix "--enable-sync-resources=" . -}}
{{- $on = concat $on (trimPrefix "--enable-sync-resources=" . | splitList ",") -}}
{{- end -}}
{{- end -}}
{{- toJson (dict "on" ($on | uniq) "off" ($off | uniq)) -}}
{{- end }}

{{/* Whether to serve the host's metrics inside, "true" or nothing. A Role that names a group which the host has not is
     refused to everybody but a cluster admin, since nobody else holds that right: hence "auto". */}}
{{- define "virtualcluster.sync.metrics" -}}
{{- $enabled := .Values.sync.metrics.enabled -}}
{{- if eq (toString $enabled) "auto" -}}
{{- $enabled = .Capabilities.APIVersions.Has "metrics.k8s.io/v1beta1" -}}
{{- if and .Release.IsUpgrade (not $enabled) -}}
{{- /* An API that is down is not listed either: an outage on the host must take nothing away. */ -}}
{{- $role := lookup "rbac.authorization.k8s.io/v1" "Role" .Release.Namespace (include "virtualcluster.role.name" .) -}}
{{- range $role.rules -}}
{{- if has "metrics.k8s.io" (.apiGroups | default list) -}}{{- $enabled = true -}}{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if $enabled -}}true{{- end -}}
{{- end }}

{{/* The arguments of every command of the syncer. */}}
{{- define "virtualcluster.syncer.commonArgs" -}}
- --release={{ .Release.Name }}
- --namespace={{ .Release.Namespace }}
{{- end }}

{{/* The service range that the user gave, for the commands that check it. */}}
{{- define "virtualcluster.syncer.givenRange" -}}
{{- with get (include "virtualcluster.k3s.givenFlags" . | fromJson) "service-cidr" -}}
- --virt-service-cidr={{ last . }}
{{- end -}}
{{- end }}

{{/* The argv of the syncer. */}}
{{- define "virtualcluster.syncer.runArgs" -}}
{{- $kinds := include "virtualcluster.syncer.kinds" . | fromJson -}}
- run
{{ include "virtualcluster.syncer.commonArgs" . }}
- --k3s-data-dir={{ include "virtualcluster.k3s.flag" (dict "flag" "data-dir" "root" .) }}
- --k3s-kubeconfig={{ include "virtualcluster.k3s.flag" (dict "flag" "write-kubeconfig" "root" .) }}
- --kubelet-host={{ include "virtualcluster.kubelet.host" . }}
- --workload-service-account={{ include "virtualcluster.workload.name" . }}
- --pod-security-standard={{ .Values.isolation.podSecurityStandard }}
{{- if include "virtualcluster.replicated" . }}
- --leader-elect
{{- end }}
{{- if not (include "virtualcluster.datastore.lasts" .) }}
# An emptyDir begins anew with every pod: another datastore is no accident then.
- --accept-new-datastore
{{- end }}
{{- with get (include "virtualcluster.k3s.givenFlags" . | fromJson) "cluster-domain" }}
- --cluster-domain={{ last . }}
{{- end }}
{{- if .Values.sync.pods.fullHostnames }}
- --hosts-image={{ include "virtualcluster.syncer.image" . }}
{{- end }}
{{- $lists := dict
  "image-registry" (include "virtualcluster.k3s.registry" . | list | compact)
  "image-pull-secrets" (include "virtualcluster.pullSecrets" . | fromJsonArray)
  "ingress-annotations" .Values.sync.ingresses.annotations
  "ingress-classes" .Values.sync.ingresses.classes
  "ingress-hosts" .Values.sync.ingresses.hosts
  "service-types" .Values.isolation.serviceTypes
  "storage-classes" .Values.sync.persistentVolumeClaims.storageClasses -}}
{{- range $flag, $list := $lists }}
{{- with $list }}
- {{ printf "--%s=%s" $flag (join "," .) | quote }}
{{- end }}
{{- end }}
{{- if .Values.virtualCluster.scheduler.enabled }}
- --virtual-scheduler
{{- end }}
{{- with .Values.sync.nodes.selector }}
- {{ printf "--node-selector=%s" . | quote }}
{{- end }}
{{- with .Values.isolation.maxObjects }}
- {{ printf "--max-objects=%d" (int .) | quote }}
{{- end }}
{{- with .Values.isolation.nodeSelector }}
{{- $labels := list -}}
{{- range $key, $value := . -}}{{- $labels = append $labels (printf "%s=%s" $key $value) -}}{{- end }}
- {{ printf "--pod-node-selector=%s" (join "," $labels) | quote }}
{{- end }}
{{- with $kinds.on }}
- --enable-sync-resources={{ join "," . }}
{{- end }}
{{- with $kinds.off }}
- --disable-sync-resources={{ join "," . }}
{{- end }}
{{- range .Values.syncer.extraArgs }}
{{- if not (regexMatch "^--(en|dis)able-sync-resources=" .) }}
- {{ . | quote }}
{{- end }}
{{- end }}
{{- end }}

{{/* The argv of the init container. */}}
{{- define "virtualcluster.syncer.discoverArgs" -}}
- discover
{{ include "virtualcluster.syncer.commonArgs" . }}
{{- with include "virtualcluster.syncer.givenRange" . }}
{{ . }}
{{- end }}
{{- if hasKey (include "virtualcluster.k3s.givenFlags" . | fromJson) "cluster-dns" }}
- --cluster-dns-given
{{- end }}
{{- if include "virtualcluster.datastore.lasts" . }}
{{- with include "virtualcluster.k3s.version" . }}
- --k3s-version={{ . }}
{{- end }}
{{- end }}
{{- if and (include "virtualcluster.datastore.outside" .) (not .Values.virtualCluster.datastore.tokenKey) }}
- --k3s-token-secret={{ include "virtualcluster.k3sToken.name" . }}
{{- if .Values.storage.keep }}
- --keep-k3s-token
{{- end }}
{{- end }}
{{- end }}

{{/* The check before an installation asks about the default StorageClass and the service range. */}}
{{- define "virtualcluster.preflight.storage" -}}
{{- $claim := and (include "virtualcluster.datastore.claim" .) (not .Values.storage.className) -}}
{{- if and (include "virtualcluster.preflight.possible" .) $claim }}true{{ end -}}
{{- end }}

{{- define "virtualcluster.preflight.range" -}}
{{- if include "virtualcluster.preflight.possible" . }}{{ include "virtualcluster.syncer.givenRange" . }}{{ end -}}
{{- end }}

{{/* Helm ≥3.20 waits for a hook by a watch with sendInitialEvents. API servers before 1.27 ignore that: the hook
     completes, and Helm waits until its timeout. */}}
{{- define "virtualcluster.preflight.possible" -}}
{{- $hangs := and
      (semverCompare ">=3.20.0-0" .Capabilities.HelmVersion.Version)
      (semverCompare "<1.27.0-0" .Capabilities.KubeVersion.Version) -}}
{{- if and .Values.preflight.enabled (not $hangs) }}true{{ end -}}
{{- end }}

{{/* Non-empty when there is anything to check. */}}
{{- define "virtualcluster.preflight.needed" -}}
{{- or (include "virtualcluster.preflight.storage" .) (include "virtualcluster.preflight.range" .) -}}
{{- end }}

{{/* Annotations of its objects: made before anything else, the pod last, and gone afterwards. Helm ≥3.18 prints the
     output of the pod when it failed, before it deletes it; an older one must leave the pod to be looked at. */}}
{{- define "virtualcluster.preflight.annotations" -}}
helm.sh/hook: pre-install
helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
{{- if semverCompare ">=3.18.0-0" .Capabilities.HelmVersion.Version }},hook-failed{{ end }}
{{- end }}
