{{/* k3s can be upgraded by one minor version at a time and never downgraded: its database would not survive it. Which one
     served the database last the syncer writes into a ConfigMap; before the first did, the one that was asked for stands
     on the StatefulSet. `helm template` finds neither: then the init container refuses. */}}
{{- define "virtualcluster.validate.upgrade" -}}
{{- $errors := list -}}
{{- $new := include "virtualcluster.k3s.version" . -}}
{{- if and .Release.IsUpgrade (include "virtualcluster.datastore.lasts" .) $new -}}
{{- $served := lookup "v1" "ConfigMap" .Release.Namespace (include "virtualcluster.discovered.name" .) -}}
{{- $asked := lookup "apps/v1" "StatefulSet" .Release.Namespace (include "virtualcluster.statefulset.name" .) -}}
{{- with dig "data" "K3S_VERSION" "" $served | default (dig "metadata" "annotations" (include "virtualcluster.k3s.versionKey" .) "" $asked) -}}
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
