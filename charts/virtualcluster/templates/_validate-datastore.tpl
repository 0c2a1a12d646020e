{{/* The refusals of _validate.tpl that are about several replicas and the datastore. */}}
{{- define "virtualcluster.validate.datastore" -}}
{{- $errors := list -}}
{{- $datastore := .Values.virtualCluster.datastore -}}
{{- $given := include "virtualcluster.k3s.givenFlags" . | fromJson -}}
{{- if and (include "virtualcluster.replicated" .) (not $datastore.existingSecret) -}}
{{- $errors = append $errors (printf "virtualCluster.replicas is %d, but the state is in sqlite, which one pod alone can write: put it into PostgreSQL, MySQL or etcd and name the Secret that says where as virtualCluster.datastore.existingSecret, or stay with 1" (int .Values.virtualCluster.replicas)) -}}
{{- end -}}
{{- if $datastore.existingSecret -}}
{{- if not $datastore.endpointKey -}}
{{- $errors = append $errors "virtualCluster.datastore.existingSecret is set, but virtualCluster.datastore.endpointKey is empty: name the key that holds the endpoint" -}}
{{- end -}}
{{- if ne (empty $datastore.certKey) (empty $datastore.keyKey) -}}
{{- $errors = append $errors "virtualCluster.datastore.certKey and keyKey belong together: set both, or neither" -}}
{{- end -}}
{{- range list "datastore-endpoint" "datastore-cafile" "datastore-certfile" "datastore-keyfile" "token" "t" "token-file" "cluster-init" "server" -}}
{{- if hasKey $given . -}}
{{- $errors = append $errors (printf "virtualCluster.baseArgs or extraArgs contain %s, but virtualCluster.datastore.existingSecret says where the state is and which token opens it: remove one of them" (printf "%s%s" (eq . "t" | ternary "-" "--") .)) -}}
{{- end -}}
{{- end -}}
{{- else -}}
{{- range $key := list "caKey" "certKey" "keyKey" "tokenKey" -}}
{{- if get $datastore $key -}}
{{- $errors = append $errors (printf "virtualCluster.datastore.%s is a key of virtualCluster.datastore.existingSecret, which is empty: set it" $key) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- toJson $errors -}}
{{- end }}
