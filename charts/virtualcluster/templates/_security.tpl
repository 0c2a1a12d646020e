{{/* Hosts before 1.19 know the seccomp profile as an annotation and refuse the field. */}}
{{- define "virtualcluster.host.hasSeccompField" -}}
{{- if semverCompare ">=1.19.0-0" .Capabilities.KubeVersion.Version }}true{{ end -}}
{{- end }}

{{/* The pod's security context: the user's, with the profile unless they name one. */}}
{{- define "virtualcluster.podSecurityContext" -}}
{{- $context := deepCopy .Values.podSecurityContext -}}
{{- if include "virtualcluster.host.hasSeccompField" . -}}
{{- $context = merge $context (dict "seccompProfile" (dict "type" "RuntimeDefault")) -}}
{{- end -}}
{{- toYaml $context -}}
{{- end }}

{{/* The pod's annotations that go with it. */}}
{{- define "virtualcluster.podSecurityAnnotations" -}}
{{- if not (include "virtualcluster.host.hasSeccompField" .) -}}
seccomp.security.alpha.kubernetes.io/pod: runtime/default
{{- end -}}
{{- end }}
