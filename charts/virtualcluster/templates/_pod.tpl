{{/* What the pods of the chart have in common: images, pull Secrets, probes, security contexts, volumes. */}}

{{/* An image as the registry of `global.imageRegistry` has it: (dict "image" "rancher/k3s:v1" "root" $). It replaces
     the registry at the start of the name, which is distinguished from a path as container runtimes do. */}}
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

{{/* The image of k3s: the user's, or that of the preset for this host. */}}
{{- define "virtualcluster.k3s.image" -}}
{{- $image := .Values.virtualCluster.image -}}
{{- if not $image -}}
{{- with include "virtualcluster.host.preset" . -}}
{{- $image = ($.Files.Get (printf "values/%s.yaml" .) | fromYaml).virtualCluster.image -}}
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

{{/* The names of the pull Secrets, as a JSON list. */}}
{{- define "virtualcluster.pullSecrets" -}}
{{- $names := list -}}
{{- range .Values.imagePullSecrets -}}
{{- $names = append $names (kindIs "map" . | ternary (get (kindIs "map" . | ternary . dict) "name") .) -}}
{{- end -}}
{{- toJson $names -}}
{{- end }}

{{/* The pull Secrets as a field of a pod spec, or nothing. */}}
{{- define "virtualcluster.pullSecrets.ofPod" -}}
{{- with include "virtualcluster.pullSecrets" . | fromJsonArray -}}
imagePullSecrets:
{{- range . }}
  - name: {{ . }}
{{- end }}
{{- end -}}
{{- end }}

{{/* Hosts before 1.18 have no startup probe: there the liveness probe waits until a slow start is over. */}}
{{- define "virtualcluster.liveness.delay" -}}
initialDelaySeconds: {{ semverCompare "<1.18.0-0" .Capabilities.KubeVersion.Version | ternary 180 0 }}
{{- end }}

{{/* Hosts before 1.19 know the seccomp profile as an annotation and refuse the field. */}}
{{- define "virtualcluster.host.hasSeccompField" -}}
{{- if semverCompare ">=1.19.0-0" .Capabilities.KubeVersion.Version }}true{{ end -}}
{{- end }}

{{/* The pod's security context: the user's, with the profile unless they name one. */}}
{{- define "virtualcluster.podSecurityContext" -}}
{{- $context := deepCopy .Values.podSecurityContext -}}
{{- if include "virtualcluster.host.hasSeccompField" . -}}
{{- $context = merge $context (dict "seccompProfile" (dict "type" "RuntimeDefault")) -}}
{{- end -}}
{{- toYaml $context -}}
{{- end }}

{{/* The pod's annotations that go with it. */}}
{{- define "virtualcluster.podSecurityAnnotations" -}}
{{- if not (include "virtualcluster.host.hasSeccompField" .) -}}
seccomp.security.alpha.kubernetes.io/pod: runtime/default
{{- end -}}
{{- end }}

{{/* The security context of a container that needs no file of k3s: not root, where the others run as root. A user that
     the values set stays; so does the absence of one, where the host assigns it. */}}
{{- define "virtualcluster.securityContextWithoutRoot" -}}
{{- $context := deepCopy .Values.securityContext -}}
{{- $user := hasKey $context "runAsUser" | ternary $context.runAsUser .Values.podSecurityContext.runAsUser -}}
{{- if eq (toString $user) "0" -}}
{{- $context = merge (dict "runAsNonRoot" true "runAsUser" 65532 "runAsGroup" 65532) $context -}}
{{- end -}}
{{- toYaml $context -}}
{{- end }}

{{/* The volumes of the control plane's pod. */}}
{{- define "virtualcluster.volumes" -}}
- name: data
  {{- if include "virtualcluster.datastore.claim" . }}
  persistentVolumeClaim:
    claimName: {{ include "virtualcluster.data.name" . }}
  {{- else }}
  emptyDir:
    sizeLimit: {{ .Values.storage.size }}
  {{- end }}
# k3s writes its kubeconfig here, the syncer reads it.
- name: kubeconfig
  emptyDir: {}
# The syncer writes the kubeconfig for users here.
- name: kubeconfig-out
  emptyDir: {}
- name: k3s-scratch
  emptyDir: {}
- name: syncer-scratch
  emptyDir: {}
{{- if include "virtualcluster.datastore.files" . | fromJson }}
{{ include "virtualcluster.datastore.volume" . }}
{{- end }}
- name: host-token
  {{- if include "virtualcluster.host.projectsTokens" . }}
  projected:
    sources:
      - serviceAccountToken:
          path: token
          expirationSeconds: 3600
      - configMap:
          name: kube-root-ca.crt
          items: [{key: ca.crt, path: ca.crt}]
      - downwardAPI:
          items:
            - path: namespace
              fieldRef: {fieldPath: metadata.namespace}
  {{- else }}
  secret:
    secretName: {{ include "virtualcluster.token.name" . }}
    # Named one by one: the mount waits until the host has filled them in.
    items: [{key: token, path: token}, {key: ca.crt, path: ca.crt}, {key: namespace, path: namespace}]
  {{- end }}
{{- end }}

{{/* Non-empty when every namespace of the host has the ConfigMap kube-root-ca.crt, which a projected token needs. */}}
{{- define "virtualcluster.host.projectsTokens" -}}
{{- if semverCompare ">=1.20.0-0" .Capabilities.KubeVersion.Version }}true{{ end -}}
{{- end }}
