{{/* Every refusal. Each names the key, the reason and the fix; all that apply are shown at once. */}}
{{- define "virtualcluster.validate" -}}
{{- $errors := list -}}
{{- range list "release" "image" "registry" "args" "flags" "paths" "addresses" "exposure" "datastore" "monitoring" "rest" "upgrade" -}}
{{- $errors = concat $errors (include (printf "virtualcluster.validate.%s" .) $ | fromJsonArray) -}}
{{- end -}}
{{- if $errors -}}
{{- fail (printf "\n\n%s\n" (join "\n" $errors)) -}}
{{- end -}}
{{- end }}

{{- define "virtualcluster.validate.release" -}}
{{- $errors := list -}}
{{- /* The StatefulSet's pod wears "<release>-<hash of 10>" as a label, which may have 63 characters. */ -}}
{{- if gt (len .Release.Name) 52 -}}
{{- $errors = append $errors (printf "release name %q has %d characters, which leaves no room for the names derived from it: take one of at most 52" .Release.Name (len .Release.Name)) -}}
{{- end -}}
{{- if not (regexMatch "^[a-z]([-a-z0-9]*[a-z0-9])?$" .Release.Name) -}}
{{- $errors = append $errors (printf "release name %q cannot name a Service: take one of lower case letters, digits and '-' that starts with a letter" .Release.Name) -}}
{{- end -}}
{{- toJson $errors -}}
{{- end }}

{{- define "virtualcluster.validate.image" -}}
{{- $errors := list -}}
{{- $image := include "virtualcluster.k3s.image" . -}}
{{- $version := include "virtualcluster.k3s.version" . -}}
{{- if not $image -}}
{{- $errors = append $errors (printf "virtualCluster.image is not set and there is no preset for Kubernetes %s, the version of this host (there are %s): set it to the k3s that you want, such as rancher/k3s:v1.34.4-k3s1" (include "virtualcluster.host.minor" .) (include "virtualcluster.presets" . | fromJsonArray | join ", ")) -}}
{{- else if not $version -}}
{{- $errors = append $errors (printf "virtualCluster.image %q cannot be k3s: its tag does not end in a version of k3s, such as v1.34.4-k3s1; name such an image, or say with virtualCluster.version which k3s it holds" $image) -}}
{{- else if semverCompare "<1.16.0" $version -}}
{{- $errors = append $errors (printf "virtualCluster.image %q is k3s %s, and 1.16 is the oldest that the chart knows: take a newer one" $image $version) -}}
{{- end -}}
{{- toJson $errors -}}
{{- end }}

{{- define "virtualcluster.validate.args" -}}
{{- $errors := list -}}
{{- $base := include "virtualcluster.k3s.baseArgs" . | fromJsonArray -}}
{{- if and $base (ne (first $base) "server") -}}
{{- $errors = append $errors (printf "virtualCluster.baseArgs starts with %q: the first argument must be server, the command of k3s" (first $base)) -}}
{{- end -}}
{{- range .Values.virtualCluster.extraArgs -}}
{{- if eq . "server" -}}
{{- $errors = append $errors "virtualCluster.extraArgs contains server: it belongs at the start of virtualCluster.baseArgs only" -}}
{{- end -}}
{{- end -}}
{{- range .Values.syncer.extraArgs -}}
{{- with regexFind "^--(release|namespace|k3s-data-dir|k3s-kubeconfig|kubeconfig-out|kubelet-host|workload-service-account|pod-security-standard|cluster-domain|node-selector|virtual-scheduler|ingress-annotations|api-port|listen-port|own-node|own-address|pod-ip|leader-elect|hosts-image|image-registry|image-pull-secrets|pod-name|pod-uid)(=|$)" . -}}
{{- $errors = append $errors (printf "syncer.extraArgs contains %s: the chart sets it from the release and from values; remove it" (trimSuffix "=" .)) -}}
{{- end -}}
{{- end -}}
{{- toJson $errors -}}
{{- end }}

{{- define "virtualcluster.validate.exposure" -}}
{{- $errors := list -}}
{{- if and .Values.ingress.enabled (not .Values.ingress.host) -}}
{{- $errors = append $errors "ingress.enabled needs ingress.host: TLS is passed through by host name; set the name that clients use" -}}
{{- end -}}
{{- if and .Values.service.nodePort (eq .Values.service.type "ClusterIP") -}}
{{- $errors = append $errors "service.nodePort is set, but a Service of type ClusterIP has none: set service.type to NodePort or LoadBalancer" -}}
{{- end -}}
{{- if and .Values.service.loadBalancerSourceRanges (ne .Values.service.type "LoadBalancer") -}}
{{- $errors = append $errors (printf "service.loadBalancerSourceRanges is set, but a Service of type %s has no load balancer to obey it: set service.type to LoadBalancer, or use networkPolicy" .Values.service.type) -}}
{{- end -}}
{{- toJson $errors -}}
{{- end }}

{{- define "virtualcluster.validate.rest" -}}
{{- $errors := list -}}
{{- if and .Values.storage.keep (not (include "virtualcluster.datastore.lasts" .)) -}}
{{- $errors = append $errors "storage.keep needs storage.persistence: an emptyDir cannot be kept" -}}
{{- end -}}
{{- if and .Values.sync.nodes.selector (not (has "nodes" (include "virtualcluster.syncer.kinds" . | fromJson).on)) -}}
{{- $errors = append $errors "sync.nodes.selector is set, but no nodes are read: set sync.nodes.enabled too" -}}
{{- end -}}
{{- if and .Values.virtualCluster.scheduler.enabled (not (has "nodes" (include "virtualcluster.syncer.kinds" . | fromJson).on)) -}}
{{- $errors = append $errors "virtualCluster.scheduler.enabled needs sync.nodes.enabled: a scheduler must know the nodes that it chooses from" -}}
{{- end -}}
{{- range $value, $since := dict "ingressClasses" "1.18" -}}
{{- if (get $.Values.sync $value).enabled -}}
{{- range $where, $version := dict "this host" $.Capabilities.KubeVersion.Version "k3s" (include "virtualcluster.k3s.version" $) -}}
{{- if and $version (semverCompare (printf "<%s.0-0" $since) $version) -}}
{{- $errors = append $errors (printf "sync.%s.enabled needs Kubernetes %s or later on both sides, and %s is %s: leave it off" $value $since $where $version) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- range $key, $_ := .Values.podLabels -}}
{{- if or (hasPrefix "virtualcluster.dev/" $key) (hasKey (include "virtualcluster.selectorLabels" $ | fromYaml) $key) -}}
{{- $errors = append $errors (printf "podLabels contains %s: the product finds its pods by it; take another key" $key) -}}
{{- end -}}
{{- end -}}
{{- toJson $errors -}}
{{- end }}
