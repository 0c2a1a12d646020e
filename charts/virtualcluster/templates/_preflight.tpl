{{/* The check before an installation: which questions there are. */}}
{{- define "virtualcluster.preflight.storage" -}}
{{- if and (include "virtualcluster.preflight.possible" .) (include "virtualcluster.datastore.claim" .) (not .Values.storage.className) }}true{{ end -}}
{{- end }}

{{- define "virtualcluster.preflight.range" -}}
{{- if include "virtualcluster.preflight.possible" . }}{{ include "virtualcluster.syncer.givenRange" . }}{{ end -}}
{{- end }}

{{/* Helm ≥3.20 waits for a hook by a watch that begins with a list. Servers before 1.27 do not know that there is such
     a thing: the hook is done, and Helm waits until its timeout. */}}
{{- define "virtualcluster.preflight.possible" -}}
{{- $deaf := and (semverCompare ">=3.20.0-0" .Capabilities.HelmVersion.Version) (semverCompare "<1.27.0-0" .Capabilities.KubeVersion.Version) -}}
{{- if and .Values.preflight.enabled (not $deaf) }}true{{ end -}}
{{- end }}

{{/* Non-empty when there is a question at all. */}}
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
