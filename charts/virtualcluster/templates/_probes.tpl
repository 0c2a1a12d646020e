{{/* Hosts before 1.18 know no startup probe, so that a slow start must not look like a hang there. */}}
{{- define "virtualcluster.liveness.delay" -}}
initialDelaySeconds: {{ semverCompare "<1.18.0-0" .Capabilities.KubeVersion.Version | ternary 180 0 }}
{{- end }}
