{{/* What is otherwise where there are several pods. */}}

{{/* Non-empty when there are. */}}
{{- define "virtualcluster.replicated" -}}
{{- if gt (int .Values.virtualCluster.replicas) 1 }}true{{ end -}}
{{- end }}

{{/* The readiness of a syncer. Of several pods none is taken out of the Service for what they all share: it would take all
     of them out. */}}
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
