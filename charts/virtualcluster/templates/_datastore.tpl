{{/* Where the state is: sqlite on a volume, or in the pod, or a datastore outside of it. */}}

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
{{- range $flag, $key := dict "datastore-cafile" $datastore.caKey "datastore-certfile" $datastore.certKey "datastore-keyfile" $datastore.keyKey -}}
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
