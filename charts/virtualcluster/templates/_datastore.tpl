{{/* The datastore (sqlite on a volume or in the pod, or an external one) and the number of replicas. */}}

{{/* Non-empty when the datastore is outside of the pod. */}}
{{- define "virtualcluster.datastore.outside" -}}
{{- if .Values.virtualCluster.datastore.existingSecret }}true{{ end -}}
{{- end }}

{{/* Non-empty when there is a PersistentVolumeClaim. */}}
{{- define "virtualcluster.datastore.claim" -}}
{{- if and .Values.storage.persistence (not (include "virtualcluster.datastore.outside" .)) }}true{{ end -}}
{{- end }}

{{/* Non-empty when the state outlives the pod. */}}
{{- define "virtualcluster.datastore.lasts" -}}
{{- if or .Values.storage.persistence (include "virtualcluster.datastore.outside" .) }}true{{ end -}}
{{- end }}

{{/* Where the TLS files of the datastore are. */}}
{{- define "virtualcluster.datastore.directory" -}}/datastore-tls{{- end }}

{{/* The flags of k3s with their keys in the Secret, as a JSON map; only those that are given. */}}
{{- define "virtualcluster.datastore.files" -}}
{{- $datastore := .Values.virtualCluster.datastore -}}
{{- $files := dict -}}
{{- range $flag, $key := dict
      "datastore-cafile" $datastore.caKey
      "datastore-certfile" $datastore.certKey
      "datastore-keyfile" $datastore.keyKey -}}
{{- if $key -}}{{- $_ := set $files $flag $key -}}{{- end -}}
{{- end -}}
{{- toJson $files -}}
{{- end }}

{{/* The environment of k3s: an endpoint has a password in it, and a token is one, so neither is an argument. */}}
{{- define "virtualcluster.datastore.env" -}}
{{- $datastore := .Values.virtualCluster.datastore -}}
- name: K3S_DATASTORE_ENDPOINT
  valueFrom:
    secretKeyRef: {name: {{ $datastore.existingSecret }}, key: {{ $datastore.endpointKey }}}
- name: K3S_TOKEN
  valueFrom:
    {{- if $datastore.tokenKey }}
    secretKeyRef: {name: {{ $datastore.existingSecret }}, key: {{ $datastore.tokenKey }}}
    {{- else }}
    secretKeyRef: {name: {{ include "virtualcluster.k3sToken.name" . }}, key: token}
    {{- end }}
{{- end }}

{{/* The volume with its TLS files. */}}
{{- define "virtualcluster.datastore.volume" -}}
- name: datastore-tls
  secret:
    secretName: {{ .Values.virtualCluster.datastore.existingSecret }}
    items:
      {{- range $flag, $key := include "virtualcluster.datastore.files" . | fromJson }}
      - {key: {{ $key }}, path: {{ $flag }}}
      {{- end }}
{{- end }}

{{/* Non-empty when there are several pods. */}}
{{- define "virtualcluster.replicated" -}}
{{- if gt (int .Values.virtualCluster.replicas) 1 }}true{{ end -}}
{{- end }}

{{/* The readiness path of a syncer. With several pods, checks of what all pods share are excluded: they would remove
     every pod from the Service at once. */}}
{{- define "virtualcluster.syncer.readiness" -}}
{{- if include "virtualcluster.replicated" . -}}
/readyz?within=0.9&exclude=host-watches&exclude=deletions&exclude=datastore
{{- else -}}
/readyz?within=0.9
{{- end -}}
{{- end }}

{{/* Where the pods go: the user's affinity, or else away from each other where they can. */}}
{{- define "virtualcluster.affinity" -}}
{{- if .Values.affinity -}}
{{- toYaml .Values.affinity -}}
{{- else if include "virtualcluster.replicated" . -}}
podAntiAffinity:
  preferredDuringSchedulingIgnoredDuringExecution:
    - weight: 100
      podAffinityTerm:
        topologyKey: kubernetes.io/hostname
        labelSelector:
          matchLabels: {{- include "virtualcluster.selectorLabels" . | nindent 12 }}
{{- end -}}
{{- end }}
