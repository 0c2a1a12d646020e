{{/* What both NetworkPolicies say. */}}

{{/* A rule for asking the host's name server. */}}
{{- define "virtualcluster.networkpolicy.dns" -}}
- ports:
    - {port: 53, protocol: UDP}
    - {port: 53, protocol: TCP}
  {{- with .Values.networkPolicy.dns.to }}
  to: {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}

{{/* The pods of the virtual cluster, as a peer. */}}
{{- define "virtualcluster.networkpolicy.workloads" -}}
- podSelector:
    matchLabels: {{- include "virtualcluster.syncedLabels" . | nindent 6 }}
{{- end }}

{{/* Ranges as peers. A range may only name exceptions that it contains, so that IPv4 and IPv6 are told apart:
     (dict "cidrs" … "except" …) */}}
{{- define "virtualcluster.networkpolicy.ranges" -}}
{{- range $cidr := .cidrs }}
- ipBlock:
    cidr: {{ $cidr | quote }}
    {{- $except := list }}
    {{- if has $cidr (list "0.0.0.0/0" "::/0") }}
    {{- range $.except }}
    {{- if eq (contains ":" .) (contains ":" $cidr) }}{{ $except = append $except . }}{{ end }}
    {{- end }}
    {{- end }}
    {{- with $except }}
    except: {{- toYaml . | nindent 6 }}
    {{- end }}
{{- end }}
{{- end }}
