{{/* Access: RBAC rules and NetworkPolicies. */}}

{{/* The RBAC rules of files/rights.yaml for the synced kinds, as a JSON list: (dict "cluster" false "root" $).
     With "cluster" the rules of the ClusterRole, else the rules of the Role. */}}
{{- define "virtualcluster.rules" -}}
{{- $kinds := include "virtualcluster.syncer.kinds" .root | fromJson -}}
{{- /* The syncer takes slices along with endpoints. */ -}}
{{- $on := has "endpoints" $kinds.on | ternary (append $kinds.on "endpointslices") $kinds.on -}}
{{- if include "virtualcluster.replicated" .root -}}{{- $on = append $on "leases" -}}{{- end -}}
{{- $rules := list -}}
{{- range .root.Files.Get "files/rights.yaml" | fromYamlArray -}}
{{- $asked := and (or (not .optIn) (has .kind $on)) (not (has .kind $kinds.off)) -}}
{{- if and $asked (eq (.cluster | default false) $.cluster) -}}
{{- $rule := dict "apiGroups" .apiGroups "resources" .resources "verbs" .verbs -}}
{{- if .named -}}
{{- $rule = set $rule "resourceNames" (list (include "virtualcluster.lease.name" $.root)) -}}
{{- end -}}
{{- $rules = append $rules $rule -}}
{{- end -}}
{{- end -}}
{{- toJson $rules -}}
{{- end }}

{{/* An egress rule to the host's DNS. */}}
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

{{/* Address ranges as peers. A range may only have exceptions that it contains, so IPv4 and IPv6 are separate:
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
