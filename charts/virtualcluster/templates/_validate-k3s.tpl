{{/* The refusals of _validate.tpl for the arguments of k3s and the registry of the images. */}}

{{/* The user's flags against files/k3s-args.yaml. */}}
{{- define "virtualcluster.validate.flags" -}}
{{- $errors := list -}}
{{- $version := include "virtualcluster.k3s.version" . -}}
{{- $given := include "virtualcluster.k3s.givenFlags" . | fromJson -}}
{{- range $row := .Files.Get "files/k3s-args.yaml" | fromYamlArray -}}
{{- $flag := printf "--%s" ($row.flag | replace "/" "=") -}}
{{- $allowed := append ($row.accepts | default list) ($row.value | default "") -}}
{{- range $value := get $given $row.flag | default list -}}
{{- if and $version (not (semverCompare ($row.versions | default "*") $version)) -}}
{{- $errors = append $errors (printf
      "virtualCluster.baseArgs or extraArgs contain %s, which k3s %s does not have (only %s): remove it%s"
      $flag $version $row.versions (empty $row.because | ternary "" (printf "; %s" $row.because))) -}}
{{- else if and $row.unless (get $.Values.virtualCluster $row.unless).enabled -}}
{{- $errors = append $errors (printf (list
      "virtualCluster.baseArgs or extraArgs contain %s, but virtualCluster.%s.enabled asks for the"
      "opposite: remove one of them; without baseArgs the preset fits by itself" | join " ") $flag $row.unless) -}}
{{- else if and (eq $row.user "agrees") (not (has $value $allowed)) -}}
{{- $errors = append $errors (printf
      "virtualCluster.baseArgs or extraArgs contain %s=%s, but %s: remove it" $flag $value $row.because) -}}
{{- end -}}
{{- range $entry, $versions := $row.gone -}}
{{- if and $version (semverCompare $versions $version) (has $entry (splitList "," $value)) -}}
{{- $errors = append $errors (printf (list
      "virtualCluster.baseArgs or extraArgs contain %s with %s, which k3s %s does not know and exits on: remove"
      "%s from it" | join " ") $flag $entry $version $entry) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- toJson ($errors | uniq) -}}
{{- end }}

{{/* A path that a volume is mounted on must be absolute and clean, and no other mount or program. */}}
{{- define "virtualcluster.validate.paths" -}}
{{- $errors := list -}}
{{- $data := include "virtualcluster.k3s.flag" (dict "flag" "data-dir" "root" .) -}}
{{- $kubeconfig := include "virtualcluster.k3s.flag" (dict "flag" "write-kubeconfig" "root" .) -}}
{{- $taken := concat
      (include "virtualcluster.k3s.writable" . | fromJsonArray)
      (list "/" "/bin" "/dev" "/etc" "/lib" "/proc" "/root/.kube" "/sbin" "/sys" "/usr") -}}
{{- range $flag, $path := dict "--data-dir" $data "--write-kubeconfig" $kubeconfig -}}
{{- $mount := eq $flag "--data-dir" | ternary $path (dir $path) -}}
{{- if or (not (isAbs $path)) (ne $path (clean $path)) -}}
{{- $errors = append $errors (printf (list
      "virtualCluster.baseArgs or extraArgs contain %s=%s: it must be an absolute path"
      "without '..' or a '/' at its end, since a volume is mounted there" | join " ") $flag $path) -}}
{{- else if or (has $mount $taken) (regexMatch "^/(proc|sys|dev|bin|var/run/secrets)(/|$)" $mount) -}}
{{- $errors = append $errors (printf (list
      "virtualCluster.baseArgs or extraArgs contain %s=%s: a volume cannot be mounted on %s,"
      "which the container needs itself; take another directory, such as %s" | join " ")
      $flag $path $mount (eq $flag "--data-dir" | ternary "/data" "/k3s-config")) -}}
{{- end -}}
{{- end -}}
{{- toJson $errors -}}
{{- end }}

{{- define "virtualcluster.validate.addresses" -}}
{{- $errors := list -}}
{{- $octet := "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])" -}}
{{- $v4 := printf "(%s\\.){3}%s" $octet $octet -}}
{{- $v6 := "[0-9a-fA-F]*:[0-9a-fA-F:]*:[0-9a-fA-F.:]*" -}}
{{- $given := include "virtualcluster.k3s.givenFlags" . | fromJson -}}
{{- range $cidrs := get $given "service-cidr" | default list -}}
{{- range $cidr := splitList "," $cidrs -}}
{{- if not (regexMatch (printf "^(%s/(3[0-2]|[12]?[0-9])|%s/(12[0-8]|1[01][0-9]|[1-9]?[0-9]))$" $v4 $v6) $cidr) -}}
{{- $errors = append $errors (printf (list
      "virtualCluster.extraArgs contains --service-cidr=%s: %q is no address range such as"
      "10.96.0.0/12; correct it, or remove it and the host's range is found out" | join " ") $cidrs $cidr) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- range $addresses := get $given "cluster-dns" | default list -}}
{{- range $address := splitList "," $addresses -}}
{{- if not (regexMatch (printf "^(%s|%s)$" $v4 $v6) $address) -}}
{{- $errors = append $errors (printf (list
      "virtualCluster.extraArgs contains --cluster-dns=%s:"
      "%q is no IP address; correct it, or remove it and one is chosen" | join " ") $addresses $address) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- toJson $errors -}}
{{- end }}

{{/* The registry of the images. */}}
{{- define "virtualcluster.validate.registry" -}}
{{- $errors := list -}}
{{- with .Values.global.imageRegistry -}}
{{- $host := splitn "/" 2 . -}}
{{- if contains "://" . -}}
{{- $errors = append $errors (printf (list
      "global.imageRegistry is %q, but names of images have no scheme:"
      "take away what is before its host; how a registry is spoken to is set on the nodes" | join " ") .) -}}
{{- else if or (hasSuffix "/" .) (not (regexMatch "^[A-Za-z0-9.-]+(:[0-9]+)?(/[a-z0-9._-]+)*$" .)) -}}
{{- $errors = append $errors (printf (list
      "global.imageRegistry is %q, which no image can begin with: give a host, perhaps a port,"
      "perhaps a path in lower case, and no slash at the end, such as mirror.example.com:5000/hub" | join " ") .) -}}
{{- else if not (or (regexMatch "[.:]" $host._0) (eq $host._0 "localhost")) -}}
{{- $errors = append $errors (printf (list
      "global.imageRegistry is %q, which container runtimes take for a path of Docker Hub:"
      "a registry's name has a dot or a port; for Docker Hub itself write docker.io/%s" | join " ") . .) -}}
{{- end -}}
{{- end -}}
{{- toJson $errors -}}
{{- end }}
