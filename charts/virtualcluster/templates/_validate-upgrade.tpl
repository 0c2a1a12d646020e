{{/* k3s can be upgraded by one minor version at a time and never downgraded: its database would not survive it. The
     version that runs stands on the StatefulSet; `helm template` finds none and skips this. */}}
{{- define "virtualcluster.validate.upgrade" -}}
{{- $errors := list -}}
{{- $new := include "virtualcluster.k3s.version" . -}}
{{- if and .Release.IsUpgrade .Values.storage.persistence $new -}}
{{- $found := lookup "apps/v1" "StatefulSet" .Release.Namespace (include "virtualcluster.statefulset.name" .) -}}
{{- with dig "metadata" "annotations" (include "virtualcluster.k3s.versionKey" .) "" $found -}}
{{- $step := sub (semver $new).Minor (semver .).Minor -}}
{{- if lt $step 0 -}}
{{- $errors = append $errors (printf "virtualCluster.image is k3s %s, but %s runs: k3s cannot go back a minor version; stay with %s, or delete the release and its volume" $new . .) -}}
{{- else if gt $step 1 -}}
{{- $errors = append $errors (printf "virtualCluster.image is k3s %s, but %s runs: k3s must not skip a minor version; go to k3s 1.%d first" $new . (add1 (semver .).Minor)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- toJson $errors -}}
{{- end }}
