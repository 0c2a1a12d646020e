{{/* The argv of the syncer. */}}

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
{{- range $role.rules -}}{{- if has "metrics.k8s.io" (.apiGroups | default list) -}}{{- $enabled = true -}}{{- end -}}{{- end -}}
{{- end -}}
{{- end -}}
{{- if $enabled -}}true{{- end -}}
{{- end }}

{{/* What every command of the syncer is told. */}}
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
