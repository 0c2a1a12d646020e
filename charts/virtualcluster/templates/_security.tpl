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

{{/* The security context of a container that needs none of k3s' files: where the others run as root it does not. A user
     that the values name stays, and so does the absence of one, where a host assigns it. */}}
{{- define "virtualcluster.securityContextWithoutRoot" -}}
{{- $context := deepCopy .Values.securityContext -}}
{{- $user := hasKey $context "runAsUser" | ternary $context.runAsUser .Values.podSecurityContext.runAsUser -}}
{{- if eq (toString $user) "0" -}}
{{- $context = merge (dict "runAsNonRoot" true "runAsUser" 65532 "runAsGroup" 65532) $context -}}
{{- end -}}
{{- toYaml $context -}}
{{- end }}
