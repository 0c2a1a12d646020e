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
{{- if .Values.storage.persistence }}
{{- with include "virtualcluster.k3s.version" . }}
- --k3s-version={{ . }}
{{- end }}
{{- end }}
{{- end }}
