{{/* Refusals of values about monitoring. What the host does not know would fail in the middle of an installation, and
     whoever scrapes must be let in. */}}
{{- define "virtualcluster.validate.monitoring" -}}
{{- $errors := list -}}
{{- range $value, $kind := dict "serviceMonitor" "ServiceMonitor" "prometheusRule" "PrometheusRule" -}}
{{- if (get $.Values.monitoring $value).enabled -}}
{{- if not ($.Capabilities.APIVersions.Has (printf "monitoring.coreos.com/v1/%s" $kind)) -}}
{{- $errors = append $errors (printf "monitoring.%s.enabled needs the kind %s of the Prometheus operator (monitoring.coreos.com/v1), which this host does not have: install the operator or its CRDs first, or leave it off; helm template knows no host and takes --api-versions monitoring.coreos.com/v1/%s" $value $kind $kind) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if and .Values.monitoring.prometheusRule.enabled (not .Values.monitoring.serviceMonitor.enabled) -}}
{{- $errors = append $errors "monitoring.prometheusRule.enabled needs monitoring.serviceMonitor.enabled: its alerts are about what that has scraped" -}}
{{- end -}}
{{- if and .Values.monitoring.serviceMonitor.enabled .Values.networkPolicy.enabled -}}
{{- $open := false -}}
{{- range .Values.networkPolicy.controlPlane.extraIngress -}}
{{- if not .ports -}}{{- $open = true -}}{{- end -}}
{{- range .ports -}}
{{- if has (toString .port) (list "8081" "metrics" "<nil>") -}}{{- $open = true -}}{{- end -}}
{{- end -}}
{{- end -}}
{{- if not $open -}}
{{- $errors = append $errors "monitoring.serviceMonitor.enabled with networkPolicy.enabled: nobody could scrape the syncer; let Prometheus in by a rule for port 8081 in networkPolicy.controlPlane.extraIngress" -}}
{{- end -}}
{{- end -}}
{{- toJson $errors -}}
{{- end }}
