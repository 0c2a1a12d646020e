{{/* The refusals of _validate.tpl that are about where images come from. */}}
{{- define "virtualcluster.validate.registry" -}}
{{- $errors := list -}}
{{- with .Values.global.imageRegistry -}}
{{- $host := splitn "/" 2 . -}}
{{- if contains "://" . -}}
{{- $errors = append $errors (printf "global.imageRegistry is %q, but names of images have no scheme: take away what is before its host; how a registry is spoken to is set on the nodes" .) -}}
{{- else if or (hasSuffix "/" .) (not (regexMatch "^[A-Za-z0-9.-]+(:[0-9]+)?(/[a-z0-9._-]+)*$" .)) -}}
{{- $errors = append $errors (printf "global.imageRegistry is %q, which no image can begin with: give a host, perhaps a port, perhaps a path in lower case, and no slash at the end, such as mirror.example.com:5000/hub" .) -}}
{{- else if not (or (regexMatch "[.:]" $host._0) (eq $host._0 "localhost")) -}}
{{- $errors = append $errors (printf "global.imageRegistry is %q, which container runtimes take for a path of Docker Hub: a registry's name has a dot or a port; for Docker Hub itself write docker.io/%s" . .) -}}
{{- end -}}
{{- end -}}
{{- toJson $errors -}}
{{- end }}
