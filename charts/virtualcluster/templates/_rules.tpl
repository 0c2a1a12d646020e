{{/* The rules that files/rights.yaml comes to for the kinds that are synced, as a JSON list:
     (dict "cluster" false "root" $). With "cluster" those that hold in the whole cluster, else those of the namespace. */}}
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
{{- if .named -}}{{- $rule = set $rule "resourceNames" (list (include "virtualcluster.lease.name" $.root)) -}}{{- end -}}
{{- $rules = append $rules $rule -}}
{{- end -}}
{{- end -}}
{{- toJson $rules -}}
{{- end }}
