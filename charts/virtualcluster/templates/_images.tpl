{{/* Where images come from, and with which Secrets. */}}

{{/* An image as the registry of `global.imageRegistry` has it: (dict "image" "rancher/k3s:v1" "root" $). The registry that
     its name begins with, told from a path as container runtimes do, gives way. */}}
{{- define "virtualcluster.image" -}}
{{- $registry := .root.Values.global.imageRegistry -}}
{{- if or (not $registry) (not .image) (hasPrefix (printf "%s/" $registry) .image) -}}
{{- .image -}}
{{- else -}}
{{- $parts := splitn "/" 2 .image -}}
{{- if and (contains "/" .image) (or (regexMatch "[.:]" $parts._0) (eq $parts._0 "localhost")) -}}
{{- printf "%s/%s" $registry $parts._1 -}}
{{- else -}}
{{- printf "%s/%s" $registry .image -}}
{{- end -}}
{{- end -}}
{{- end }}

{{/* The image of the syncer. */}}
{{- define "virtualcluster.syncer.image" -}}
{{- $image := .Values.syncer.image | default (printf "virtualcluster/syncer:%s" .Chart.AppVersion) -}}
{{- include "virtualcluster.image" (dict "image" $image "root" .) -}}
{{- end }}

{{/* The image of k3s: the user's, or that of the preset for the host's version. */}}
{{- define "virtualcluster.k3s.image" -}}
{{- $image := .Values.virtualCluster.image -}}
{{- if not $image -}}
{{- with .Files.Get (printf "values/%s.yaml" (include "virtualcluster.host.minor" .)) -}}
{{- $image = (fromYaml .).virtualCluster.image -}}
{{- end -}}
{{- end -}}
{{- include "virtualcluster.image" (dict "image" $image "root" .) -}}
{{- end }}

{{/* The registry that k3s' own images come from: what k3s is told, or would be if it knew the flag. */}}
{{- define "virtualcluster.k3s.registry" -}}
{{- with get (include "virtualcluster.k3s.givenFlags" . | fromJson) "system-default-registry" -}}
{{- last . -}}
{{- else -}}
{{- .Values.global.imageRegistry -}}
{{- end -}}
{{- end }}

{{/* The names of the Secrets, as a JSON list. */}}
{{- define "virtualcluster.pullSecrets" -}}
{{- $names := list -}}
{{- range .Values.imagePullSecrets -}}
{{- $names = append $names (kindIs "map" . | ternary (get (kindIs "map" . | ternary . dict) "name") .) -}}
{{- end -}}
{{- toJson $names -}}
{{- end }}

{{/* The same as a pod has them, or nothing. */}}
{{- define "virtualcluster.pullSecrets.ofPod" -}}
{{- with include "virtualcluster.pullSecrets" . | fromJsonArray -}}
imagePullSecrets:
{{- range . }}
  - name: {{ . }}
{{- end }}
{{- end -}}
{{- end }}
