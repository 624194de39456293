package main

import (
	"strings"
	"testing"
)

// TestManifestFaults breaks the manifests of the overlay that has all kinds, one thing at a time.
func TestManifestFaults(t *testing.T) {
	text, err := renderKustomization(root + "/deploy/kubernetes/overlays/monitoring")
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct{ name, old, with, want string }{
		{"good", "", "", ""},
		{"unknown field", "readOnlyRootFilesystem:", "readOnlyRootFileSystem:", "unknown field"},
		{"unknown field of a monitor", "podMetricsEndpoints:", "podMetricEndpoints:", "unknown field"},
		{"wrong type", "replicas: 1\n", "replicas: one\n", "replicas"},
		{"unknown kind", "kind: Namespace", "kind: Namespaces", "does not know this kind"},
		{"version", "worker:v0.1.0", "worker:latest", "name a version"},
		{"requests", "requests:\n            cpu: \"1\"\n            memory: 128Mi", "requests:\n            memory: 128Mi", "requests no CPU"},
		{"limit", "limits:\n            memory: 1Gi", "limits:\n            cpu: \"1\"", "no limit of memory"},
		{"probe", "livenessProbe:\n          failureThreshold: 6\n          httpGet:", "startupProbe:\n          failureThreshold: 6\n          httpGet:", "livenessProbe or readinessProbe is missing"},
		{"port of a probe", "path: /readyz\n            port: http", "path: /readyz\n            port: https", "a probe asks the port https"},
		{"rights", "- ALL", "- KILL", "capabilities"},
		{"root", "runAsNonRoot: true", "runAsNonRoot: false", "runAsNonRoot"},
		{"port of a service", "targetPort: workers", "targetPort: worker", "no pod that it selects has the port worker"},
		{"selector", "matchLabels:\n      app.kubernetes.io/component: api", "matchLabels:\n      app.kubernetes.io/component: app", "does not select its pods"},
		{"autoscaler", "kind: Deployment\n    name: locust-worker\n", "kind: Deployment\n    name: worker\n", "there is no Deployment worker"},
		{"grace", "terminationGracePeriodSeconds: 45", "terminationGracePeriodSeconds: 25", "above LOCUST_STOP_TIMEOUT"},
		{"settings", "name: load-test-", "name: load-", "there is no ConfigMap"},
		{"port of a monitor", "port: web\n    scrape", "port: http\n    scrape", `has the port "http"`},
		{"port of a pod monitor", "port: metrics\n    scrape", "port: web\n    scrape", "no pod that it selects has its port"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if !strings.Contains(string(text), test.old) {
				t.Fatalf("the manifests have no %q", test.old)
			}
			broken := strings.Replace(string(text), test.old, test.with, 1)
			got := strings.Join(checkManifests([]byte(broken)), "\n")
			if test.want == "" && got != "" || !strings.Contains(got, test.want) {
				t.Errorf("faults %q, want one with %q", got, test.want)
			}
		})
	}
}

// TestExternalRedis: nothing of our Redis is left, and the service gets the login.
func TestExternalRedis(t *testing.T) {
	text, err := renderKustomization(root + "/deploy/kubernetes/overlays/external-redis")
	if err != nil {
		t.Fatal(err)
	}
	for part, want := range map[string]bool{
		"kind: StatefulSet": false, "kind: NetworkPolicy": false, "component: redis": false, "REDIS_HOST: redis\n": false,
		"REDIS_HOST: redis.example.com": true, "name: redis-login": true, "name: REDIS_PASSWORD": true, "LOCUST_HOST: http://api:5000": true,
	} {
		if got := strings.Contains(string(text), part); got != want {
			t.Errorf("%q is there: %v", part, got)
		}
	}
}
