{{/* k3s: its version and preset, its arguments, its container. A helper that finds nothing returns an empty string;
     _validate.tpl says what is wrong. */}}

{{/* The host's Kubernetes minor version: "1.34". Not .Minor, which is "34+" with some providers. */}}
{{- define "virtualcluster.host.minor" -}}
{{- with semver .Capabilities.KubeVersion.Version }}{{ .Major }}.{{ .Minor }}{{ end -}}
{{- end }}

{{/* The minor versions that have a preset, as a JSON list in ascending order. */}}
{{- define "virtualcluster.presets" -}}
{{- $minors := list }}
{{- range $path, $_ := .Files.Glob "values/*.yaml" }}
{{- $minors = append $minors (trimSuffix ".yaml" (base $path)) }}
{{- end }}
{{- toJson (sortAlpha $minors) -}}
{{- end }}

{{/* The preset for this host when no image is set, "1.34": its own, else the nearest, the older of two that are
     equally near. A host older than all presets has none. */}}
{{- define "virtualcluster.host.preset" -}}
{{- $presets := include "virtualcluster.presets" . | fromJsonArray -}}
{{- $found := "" -}}
{{- with semver .Capabilities.KubeVersion.Version -}}
{{- $host := add (mul .Major 1000) .Minor -}}
{{- $least := 1000000 -}}
{{- range $minor := $presets -}}
{{- $preset := semver (printf "%s.0" $minor) -}}
{{- $off := sub $host (add (mul $preset.Major 1000) $preset.Minor) -}}
{{- if or $found (ge $off 0) -}}
{{- $distance := max $off (mul -1 $off) -}}
{{- if lt $distance $least -}}{{- $least = $distance -}}{{- $found = $minor -}}{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $found -}}
{{- end }}

{{/* The version of k3s, "1.34.4": as the value says, else as the tag of the image does ("v1.34.4-k3s1"). */}}
{{- define "virtualcluster.k3s.version" -}}
{{- $tag := include "virtualcluster.k3s.image" .
      | regexFind ":v?[0-9]+\\.[0-9]+\\.[0-9]+(-[a-z0-9.]+)*-k3s[0-9]+(-[a-z0-9]+)?(@.+)?$" -}}
{{- regexFind "[0-9]+\\.[0-9]+\\.[0-9]+" (.Values.virtualCluster.version | default $tag) -}}
{{- end }}

{{/* The annotation of the StatefulSet that keeps it for the next upgrade. */}}
{{- define "virtualcluster.k3s.versionKey" -}}virtualcluster.dev/k3s-version{{- end }}

{{/* The minor version of the newest preset that is not newer than this k3s, "1.34". */}}
{{- define "virtualcluster.k3s.preset" -}}
{{- $version := include "virtualcluster.k3s.version" . -}}
{{- $found := "" -}}
{{- range $minor := include "virtualcluster.presets" . | fromJsonArray -}}
{{- if and $version (semverCompare (printf ">=%s.0" $minor) $version) -}}{{- $found = $minor -}}{{- end -}}
{{- end -}}
{{- $found -}}
{{- end }}

{{/* The base arguments as JSON: the user's, or those of that preset, which all switch the scheduler off. */}}
{{- define "virtualcluster.k3s.baseArgs" -}}
{{- $args := .Values.virtualCluster.baseArgs -}}
{{- if not $args -}}
{{- with include "virtualcluster.k3s.preset" . -}}
{{- $args = ($.Files.Get (printf "values/%s.yaml" .) | fromYaml).virtualCluster.baseArgs -}}
{{- end -}}
{{- if .Values.virtualCluster.scheduler.enabled -}}{{- $args = without $args "--disable-scheduler" -}}{{- end -}}
{{- end -}}
{{- toJson $args -}}
{{- end }}

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

{{/* The value that k3s uses for a flag, the last one given or else the product's:
     (dict "flag" "data-dir" "root" $) */}}
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

{{/* The argv of k3s, as a YAML list: the base arguments, virtualCluster.extraArgs, and the arguments of
     files/k3s-args.yaml. */}}
{{- define "virtualcluster.k3s.args" -}}
{{- $args := include "virtualcluster.k3s.givenArgs" . | fromJsonArray -}}
{{- $given := include "virtualcluster.k3s.givenFlags" . | fromJson -}}
{{- /* `helm lint` goes on after a refusal, so that a version must be there even when _validate.tpl found none. */ -}}
{{- $version := include "virtualcluster.k3s.version" . | default "1.16.0" -}}
{{- range .Files.Get "files/k3s-args.yaml" | fromYamlArray -}}
{{- $unset := dig (.unless | default "-") "enabled" false $.Values.virtualCluster -}}
{{- if and .value (not (hasKey $given .flag)) (not $unset) (semverCompare (.versions | default "*") $version) -}}
{{- $value := .value
      | replace "%{CLUSTER_DOMAIN}%" (get $given "cluster-domain" | default (list "cluster.local") | last)
      | replace "%{IMAGE_REGISTRY}%" $.Values.global.imageRegistry -}}
{{- range $entry, $versions := .gone -}}
{{- if semverCompare $versions $version -}}{{- $value = $value | replace (printf ",%s" $entry) "" -}}{{- end -}}
{{- end -}}
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

{{/* The container of the virtual control plane. It holds no credentials of the host. */}}
{{- define "virtualcluster.container.k3s" -}}
{{- $kubeconfigDir := include "virtualcluster.k3s.flag" (dict "flag" "write-kubeconfig" "root" .) | dir -}}
{{- $dataDir := include "virtualcluster.k3s.flag" (dict "flag" "data-dir" "root" .) -}}
name: virtual-cluster
image: {{ include "virtualcluster.k3s.image" . }}
imagePullPolicy: {{ .Values.virtualCluster.imagePullPolicy }}
command: [/bin/k3s]
args: {{- include "virtualcluster.k3s.args" . | nindent 2 }}
env:
  {{- with .Values.virtualCluster.extraEnv }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
  {{- if include "virtualcluster.datastore.outside" . }}
  {{- include "virtualcluster.datastore.env" . | nindent 2 }}
  {{- end }}
  {{- $given := include "virtualcluster.k3s.givenFlags" . | fromJson }}
  {{- range $key, $flag := dict "SERVICE_IP" "" "SERVICE_CIDR" "service-cidr" "CLUSTER_DNS" "cluster-dns" }}
  {{- if not (hasKey $given $flag) }}
  - name: {{ $key }}
    valueFrom:
      configMapKeyRef:
        name: {{ include "virtualcluster.discovered.name" $ }}
        key: {{ $key }}
  {{- end }}
  {{- end }}
ports:
  - name: https
    containerPort: 8443
# k3s answers /ping without credentials, and nothing else.
startupProbe:
  httpGet: {path: /ping, port: https, scheme: HTTPS}
  periodSeconds: 1
  timeoutSeconds: 5
  failureThreshold: 600
readinessProbe:
  httpGet: {path: /ping, port: https, scheme: HTTPS}
  periodSeconds: 1
  timeoutSeconds: 5
  failureThreshold: 10
livenessProbe:
  httpGet: {path: /ping, port: https, scheme: HTTPS}
  {{- include "virtualcluster.liveness.delay" . | nindent 2 }}
  periodSeconds: 10
  timeoutSeconds: 10
  failureThreshold: 6
resources: {{- toYaml .Values.virtualCluster.resources | nindent 2 }}
securityContext: {{- toYaml .Values.securityContext | nindent 2 }}
volumeMounts:
  - name: data
    mountPath: {{ $dataDir }}
  {{- if ne $kubeconfigDir $dataDir }}
  - name: kubeconfig
    mountPath: {{ $kubeconfigDir }}
  {{- end }}
  {{- if include "virtualcluster.datastore.files" . | fromJson }}
  - name: datastore-tls
    mountPath: {{ include "virtualcluster.datastore.directory" . }}
    readOnly: true
  {{- end }}
  {{- range include "virtualcluster.k3s.writable" . | fromJsonArray }}
  - name: k3s-scratch
    mountPath: {{ . }}
    subPath: {{ base . }}
  {{- end }}
{{- end }}

{{/* Where k3s writes besides its data, as a JSON list: its root file system is read-only. */}}
{{- define "virtualcluster.k3s.writable" -}}
["/etc/rancher", "/run", "/tmp", "/var"]
{{- end }}
