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
