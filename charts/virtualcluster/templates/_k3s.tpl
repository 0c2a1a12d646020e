{{/* Which k3s: its version and the preset that goes with it. A helper that finds nothing returns an empty
     string; _validate.tpl says what is wrong. */}}

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

{{/* The version of k3s, "1.34.4": as the value says, else as the tag of the image does ("v1.34.4-k3s1"). */}}
{{- define "virtualcluster.k3s.version" -}}
{{- $tag := regexFind ":v?[0-9]+\\.[0-9]+\\.[0-9]+(-[a-z0-9.]+)*-k3s[0-9]+(-[a-z0-9]+)?(@.+)?$" (include "virtualcluster.k3s.image" .) -}}
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
