{{/* The argv of k3s: the base arguments, the user's more, and what the product needs by files/k3s-args.yaml. */}}

{{/* The arguments that preset and user give, as a JSON list. */}}
{{- define "virtualcluster.k3s.givenArgs" -}}
{{- $base := include "virtualcluster.k3s.baseArgs" . | fromJsonArray -}}
{{- toJson (concat ($base | default list) .Values.virtualCluster.extraArgs) -}}
{{- end }}

{{/* The flags among these arguments, as a JSON map from name to list of values. A switch has the value "true", and
     "--kube-apiserver-arg=a=b" is the flag "kube-apiserver-arg/a" with the value "b". */}}
{{- define "virtualcluster.k3s.givenFlags" -}}
{{- $aliases := dict "o" "write-kubeconfig" "d" "data-dir" "kube-controller-arg" "kube-controller-manager-arg" -}}
{{- $args := include "virtualcluster.k3s.givenArgs" . | fromJsonArray -}}
{{- $flags := dict -}}
{{- range $i, $arg := $args -}}
{{- if hasPrefix "-" $arg -}}
{{- $parts := splitn "=" 2 (regexReplaceAll "^--?" $arg "") -}}
{{- $name := get $aliases $parts._0 | default $parts._0 -}}
{{- $value := "true" -}}
{{- if contains "=" $arg -}}
{{- $value = $parts._1 -}}
{{- else if lt (add1 $i) (len $args) -}}
{{- /* "--flag value": the next argument is the value, unless it is a flag itself. */ -}}
{{- $next := index $args (add1 $i) -}}
{{- if not (hasPrefix "-" $next) -}}{{- $value = $next -}}{{- end -}}
{{- end -}}
{{- if regexMatch "^kube-.*-arg$" $name -}}
{{- $pair := splitn "=" 2 $value -}}
{{- $name = printf "%s/%s" $name (regexReplaceAll "[-+]$" $pair._0 "") -}}
{{- $value = $pair._1 -}}
{{- end -}}
{{- $_ := set $flags $name (append (get $flags $name | default list) $value) -}}
{{- end -}}
{{- end -}}
{{- toJson $flags -}}
{{- end }}

{{/* The value that k3s will take for a flag, the last one given or else the product's: (dict "flag" "data-dir" "root" $) */}}
{{- define "virtualcluster.k3s.flag" -}}
{{- $given := get (include "virtualcluster.k3s.givenFlags" .root | fromJson) .flag -}}
{{- if $given -}}
{{- last $given -}}
{{- else -}}
{{- range .root.Files.Get "files/k3s-args.yaml" | fromYamlArray -}}
{{- if eq .flag $.flag }}{{ .value }}{{ end -}}
{{- end -}}
{{- end -}}
{{- end }}

{{/* The names in the API server's certificate, as a JSON list. k3s ≥1.28 refuses every name that is not listed. */}}
{{- define "virtualcluster.k3s.tlsSans" -}}
{{- $service := include "virtualcluster.service.name" . -}}
{{- $inNamespace := printf "%s.%s" $service .Release.Namespace -}}
{{- $names := list $service $inNamespace (printf "%s.svc" $inNamespace)
      (printf "%s.svc.%s" $inNamespace .Values.hostClusterDomain) "$(SERVICE_IP)" -}}
{{- if .Values.ingress.enabled -}}{{- $names = append $names .Values.ingress.host -}}{{- end -}}
{{- toJson (concat $names .Values.virtualCluster.tlsSans | uniq) -}}
{{- end }}

{{/* The argv, as a YAML list. */}}
{{- define "virtualcluster.k3s.args" -}}
{{- $args := include "virtualcluster.k3s.givenArgs" . | fromJsonArray -}}
{{- $given := include "virtualcluster.k3s.givenFlags" . | fromJson -}}
{{- /* `helm lint` goes on after a refusal, so that a version must be there even when _validate.tpl found none. */ -}}
{{- $version := include "virtualcluster.k3s.version" . | default "1.16.0" -}}
{{- range .Files.Get "files/k3s-args.yaml" | fromYamlArray -}}
{{- if and .value (not (hasKey $given .flag)) (not (dig (.unless | default "-") "enabled" false $.Values.virtualCluster)) (semverCompare (.versions | default "*") $version) -}}
{{- $value := .value | replace "%{CLUSTER_DOMAIN}%" (get $given "cluster-domain" | default (list "cluster.local") | last) | replace "%{IMAGE_REGISTRY}%" $.Values.global.imageRegistry -}}
{{- $switch := eq $value "true" | ternary "" (printf "=%s" $value) -}}
{{- if $value -}}{{- $args = append $args (printf "--%s%s" (.flag | replace "/" "=") $switch) -}}{{- end -}}
{{- end -}}
{{- end -}}
{{- range include "virtualcluster.k3s.tlsSans" . | fromJsonArray -}}
{{- if not (has . (get $given "tls-san" | default list)) -}}
{{- $args = append $args (printf "--tls-san=%s" .) -}}
{{- end -}}
{{- end -}}
{{- range $flag, $_ := include "virtualcluster.datastore.files" . | fromJson -}}
{{- $args = append $args (printf "--%s=%s/%s" $flag (include "virtualcluster.datastore.directory" $) $flag) -}}
{{- end -}}
{{- toYaml $args -}}
{{- end }}
