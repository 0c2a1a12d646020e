{{/* Every refusal. Each names the key, the reason and the fix; all that apply are shown at once. */}}
{{- define "virtualcluster.validate" -}}
{{- $errors := list -}}
{{- range list "release" "image" "registry" "args" "flags" "paths" "addresses"
      "exposure" "datastore" "monitoring" "rest" "upgrade" -}}
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
{{- $errors = append $errors (printf (list
      "release name %q has %d characters, which leaves no room for the"
      "names derived from it: take one of at most 52" | join " ") .Release.Name (len .Release.Name)) -}}
{{- end -}}
{{- if not (regexMatch "^[a-z]([-a-z0-9]*[a-z0-9])?$" .Release.Name) -}}
{{- $errors = append $errors (printf (list
      "release name %q cannot name a Service: take one of lower case"
      "letters, digits and '-' that starts with a letter" | join " ") .Release.Name) -}}
{{- end -}}
{{- toJson $errors -}}
{{- end }}

{{- define "virtualcluster.validate.image" -}}
{{- $errors := list -}}
{{- $image := include "virtualcluster.k3s.image" . -}}
{{- $version := include "virtualcluster.k3s.version" . -}}
{{- if not $image -}}
{{- $errors = append $errors (printf
      "this host is Kubernetes %s, and %s is the oldest that the chart can be installed on: upgrade the host"
      (include "virtualcluster.host.minor" .) (include "virtualcluster.presets" . | fromJsonArray | first)) -}}
{{- else if not $version -}}
{{- $errors = append $errors (printf (list
      "virtualCluster.image %q cannot be k3s: its tag does not end in a version of k3s,"
      "such as v1.34.4-k3s1; name such an image, or say with virtualCluster.version which k3s it holds" | join " ")
      $image) -}}
{{- else if semverCompare "<1.16.0" $version -}}
{{- $errors = append $errors (printf
      "virtualCluster.image %q is k3s %s, and 1.16 is the oldest that the chart knows: take a newer one"
      $image $version) -}}
{{- end -}}
{{- toJson $errors -}}
{{- end }}

{{- define "virtualcluster.validate.args" -}}
{{- $errors := list -}}
{{- $base := include "virtualcluster.k3s.baseArgs" . | fromJsonArray -}}
{{- if and $base (ne (first $base) "server") -}}
{{- $errors = append $errors (printf
      "virtualCluster.baseArgs starts with %q: the first argument must be server, the command of k3s"
      (first $base)) -}}
{{- end -}}
{{- range .Values.virtualCluster.extraArgs -}}
{{- if eq . "server" -}}
{{- $errors = append $errors
      "virtualCluster.extraArgs contains server: it belongs at the start of virtualCluster.baseArgs only" -}}
{{- end -}}
{{- end -}}
{{- $ours := list "release" "namespace" "k3s-data-dir" "k3s-kubeconfig" "kubeconfig-out" "kubelet-host"
      "workload-service-account" "pod-security-standard" "cluster-domain" "node-selector" "virtual-scheduler"
      "ingress-annotations" "api-port" "listen-port" "own-node" "own-address" "pod-ip" "leader-elect" "hosts-image"
      "image-registry" "image-pull-secrets" "pod-name" "pod-uid" -}}
{{- range .Values.syncer.extraArgs -}}
{{- with regexFind (printf "^--(%s)(=|$)" (join "|" $ours)) . -}}
{{- $errors = append $errors (printf
      "syncer.extraArgs contains %s: the chart sets it from the release and from values; remove it"
      (trimSuffix "=" .)) -}}
{{- end -}}
{{- end -}}
{{- toJson $errors -}}
{{- end }}

{{- define "virtualcluster.validate.exposure" -}}
{{- $errors := list -}}
{{- if and .Values.ingress.enabled (not .Values.ingress.host) -}}
{{- $errors = append $errors
      "ingress.enabled needs ingress.host: TLS is passed through by host name; set the name that clients use" -}}
{{- end -}}
{{- if and .Values.service.nodePort (eq .Values.service.type "ClusterIP") -}}
{{- $errors = append $errors (list
      "service.nodePort is set, but a Service of type ClusterIP has none:"
      "set service.type to NodePort or LoadBalancer" | join " ") -}}
{{- end -}}
{{- if and .Values.service.loadBalancerSourceRanges (ne .Values.service.type "LoadBalancer") -}}
{{- $errors = append $errors (printf (list
      "service.loadBalancerSourceRanges is set, but a Service of type %s has no load balancer to"
      "obey it: set service.type to LoadBalancer, or use networkPolicy" | join " ") .Values.service.type) -}}
{{- end -}}
{{- toJson $errors -}}
{{- end }}

{{- define "virtualcluster.validate.rest" -}}
{{- $errors := list -}}
{{- $nodes := has "nodes" (include "virtualcluster.syncer.kinds" . | fromJson).on -}}
{{- if and .Values.storage.keep (not (include "virtualcluster.datastore.lasts" .)) -}}
{{- $errors = append $errors "storage.keep needs storage.persistence: an emptyDir cannot be kept" -}}
{{- end -}}
{{- if and .Values.sync.nodes.selector (not $nodes) -}}
{{- $errors = append $errors "sync.nodes.selector is set, but no nodes are read: set sync.nodes.enabled too" -}}
{{- end -}}
{{- if and .Values.virtualCluster.scheduler.enabled (not $nodes) -}}
{{- $errors = append $errors (list
      "virtualCluster.scheduler.enabled needs sync.nodes.enabled:"
      "a scheduler must know the nodes that it chooses from" | join " ") -}}
{{- end -}}
{{- range $value, $since := dict "ingressClasses" "1.18" -}}
{{- if (get $.Values.sync $value).enabled -}}
{{- range $where, $version := dict
      "this host" $.Capabilities.KubeVersion.Version
      "k3s" (include "virtualcluster.k3s.version" $) -}}
{{- if and $version (semverCompare (printf "<%s.0-0" $since) $version) -}}
{{- $errors = append $errors (printf
      "sync.%s.enabled needs Kubernetes %s or later on both sides, and %s is %s: leave it off"
      $value $since $where $version) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- range $key, $_ := .Values.podLabels -}}
{{- $selector := include "virtualcluster.selectorLabels" $ | fromYaml -}}
{{- if or (hasPrefix "virtualcluster.dev/" $key) (hasKey $selector $key) -}}
{{- $errors = append $errors (printf
      "podLabels contains %s: the product finds its pods by it; take another key" $key) -}}
{{- end -}}
{{- end -}}
{{- toJson $errors -}}
{{- end }}

{{/* Several replicas and the datastore. */}}
{{- define "virtualcluster.validate.datastore" -}}
{{- $errors := list -}}
{{- $datastore := .Values.virtualCluster.datastore -}}
{{- $given := include "virtualcluster.k3s.givenFlags" . | fromJson -}}
{{- if and (include "virtualcluster.replicated" .) (not $datastore.existingSecret) -}}
{{- $errors = append $errors (printf (list
      "virtualCluster.replicas is %d, but the state is in sqlite, which one pod alone can"
      "write: put it into PostgreSQL, MySQL or etcd and name the Secret that says where as"
      "virtualCluster.datastore.existingSecret, or stay with 1" | join " ") (int .Values.virtualCluster.replicas)) -}}
{{- end -}}
{{- if $datastore.existingSecret -}}
{{- if not $datastore.endpointKey -}}
{{- $errors = append $errors (list
      "virtualCluster.datastore.existingSecret is set, but virtualCluster.datastore.endpointKey"
      "is empty: name the key that holds the endpoint" | join " ") -}}
{{- end -}}
{{- if ne (empty $datastore.certKey) (empty $datastore.keyKey) -}}
{{- $errors = append $errors "virtualCluster.datastore.certKey and keyKey belong together: set both, or neither" -}}
{{- end -}}
{{- range list "datastore-endpoint" "datastore-cafile" "datastore-certfile" "datastore-keyfile"
      "token" "t" "token-file" "cluster-init" "server" -}}
{{- if hasKey $given . -}}
{{- $errors = append $errors (printf (list
      "virtualCluster.baseArgs or extraArgs contain %s, but virtualCluster.datastore.existingSecret"
      "says where the state is and which token opens it: remove one of them" | join " ")
      (printf "%s%s" (eq . "t" | ternary "-" "--") .)) -}}
{{- end -}}
{{- end -}}
{{- else -}}
{{- range $key := list "caKey" "certKey" "keyKey" "tokenKey" -}}
{{- if get $datastore $key -}}
{{- $errors = append $errors (printf
      "virtualCluster.datastore.%s is a key of virtualCluster.datastore.existingSecret, which is empty: set it"
      $key) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- toJson $errors -}}
{{- end }}

{{/* Monitoring. A kind that the host does not have would fail in the middle of an installation, and a NetworkPolicy
     must let Prometheus in. */}}
{{- define "virtualcluster.validate.monitoring" -}}
{{- $errors := list -}}
{{- range $value, $kind := dict "serviceMonitor" "ServiceMonitor" "prometheusRule" "PrometheusRule" -}}
{{- if (get $.Values.monitoring $value).enabled -}}
{{- if not ($.Capabilities.APIVersions.Has (printf "monitoring.coreos.com/v1/%s" $kind)) -}}
{{- $errors = append $errors (printf (list
      "monitoring.%s.enabled needs the kind %s of the Prometheus operator (monitoring.coreos.com/v1),"
      "which this host does not have: install the operator or its CRDs first, or leave it off;"
      "helm template knows no host and takes --api-versions monitoring.coreos.com/v1/%s" | join " ")
      $value $kind $kind) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if and .Values.monitoring.prometheusRule.enabled (not .Values.monitoring.serviceMonitor.enabled) -}}
{{- $errors = append $errors (list
      "monitoring.prometheusRule.enabled needs monitoring.serviceMonitor.enabled:"
      "its alerts are about what that has scraped" | join " ") -}}
{{- end -}}
{{- if and .Values.monitoring.serviceMonitor.enabled .Values.networkPolicy.enabled -}}
{{- $open := false -}}
{{- range .Values.networkPolicy.controlPlane.extraIngress -}}
{{- if not .ports -}}{{- $open = true -}}{{- end -}}
{{- range .ports -}}
{{- if has (toString .port) (list "8081" "metrics" "<nil>") -}}{{- $open = true -}}{{- end -}}
{{- end -}}
{{- end -}}
{{- if not $open -}}
{{- $errors = append $errors (list
      "monitoring.serviceMonitor.enabled with networkPolicy.enabled: nobody could scrape the syncer;"
      "let Prometheus in by a rule for port 8081 in networkPolicy.controlPlane.extraIngress" | join " ") -}}
{{- end -}}
{{- end -}}
{{- toJson $errors -}}
{{- end }}

{{/* k3s can be upgraded by one minor version at a time and never downgraded: its database would not survive it. The
     syncer writes the version that last served the database into a ConfigMap; until it has, the annotation of the
     StatefulSet has the version that was installed. `helm template` finds neither, and the init container refuses. */}}
{{- define "virtualcluster.validate.upgrade" -}}
{{- $errors := list -}}
{{- $new := include "virtualcluster.k3s.version" . -}}
{{- if and .Release.IsUpgrade (include "virtualcluster.datastore.lasts" .) $new -}}
{{- $served := lookup "v1" "ConfigMap" .Release.Namespace (include "virtualcluster.discovered.name" .) -}}
{{- $asked := lookup "apps/v1" "StatefulSet" .Release.Namespace (include "virtualcluster.statefulset.name" .) -}}
{{- $key := include "virtualcluster.k3s.versionKey" . -}}
{{- with dig "data" "K3S_VERSION" "" $served | default (dig "metadata" "annotations" $key "" $asked) -}}
{{- $step := sub (semver $new).Minor (semver .).Minor -}}
{{- if lt $step 0 -}}
{{- $errors = append $errors (printf (list
      "virtualCluster.image is k3s %s, but %s runs: k3s cannot go back a minor"
      "version; stay with %s, or delete the release and its volume" | join " ") $new . .) -}}
{{- else if gt $step 1 -}}
{{- $errors = append $errors (printf
      "virtualCluster.image is k3s %s, but %s runs: k3s must not skip a minor version; go to k3s 1.%d first"
      $new . (add1 (semver .).Minor)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- toJson $errors -}}
{{- end }}
