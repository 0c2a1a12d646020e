{{/* The argv of the init container, which finds out about the host. */}}
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
