package main

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	core "k8s.io/api/core/v1"
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
		{"requests", "requests:\n            cpu: 250m\n            memory: 128Mi", "requests:\n            memory: 128Mi", "requests no CPU"},
		{"limit", "limits:\n            memory: 1Gi", "limits:\n            cpu: \"1\"", "no limit of memory"},
		{"probe", "livenessProbe:\n          failureThreshold: 6\n          httpGet:", "startupProbe:\n          failureThreshold: 6\n          httpGet:", "livenessProbe or readinessProbe is missing"},
		{"port of a probe", "path: /readyz\n            port: http", "path: /readyz\n            port: https", "a probe asks the port https"},
		{"rights", "- ALL", "- KILL", "capabilities"},
		{"root", "runAsNonRoot: true", "runAsNonRoot: false", "runAsNonRoot"},
		{"port of a service", "targetPort: workers", "targetPort: worker", "no pod that it selects has the port worker"},
		{"selector", "matchLabels:\n      app.kubernetes.io/component: api", "matchLabels:\n      app.kubernetes.io/component: app", "does not select its pods"},
		{"autoscaler", "kind: Deployment\n    name: locust-worker\n", "kind: Deployment\n    name: worker\n", "there is no Deployment worker"},
		{"grace", "terminationGracePeriodSeconds: 45", "terminationGracePeriodSeconds: 25", "above LOCUST_STOP_TIMEOUT"},
		{"selector of a budget", "maxUnavailable: 0\n  selector:\n    matchLabels:\n      app.kubernetes.io/component: redis", "maxUnavailable: 0\n  selector:\n    matchLabels:\n      app.kubernetes.io/component: none", "no PodDisruptionBudget selects its pods"},
		{"port of a policy", "- port: workers\n", "- port: worker\n", "no pod that it selects has its port"},
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

// TestMasterTakesItsSettings: nothing on its command line wins over the ConfigMap.
func TestMasterTakesItsSettings(t *testing.T) {
	m := rendered(t, "base")
	i := slices.IndexFunc(m.workloads, func(w workload) bool { return w.name == "locust-master" })
	if args := m.workloads[i].pod.Spec.Containers[0].Args; !slices.Equal(args, []string{"--master", "--enable-rebalancing"}) {
		t.Errorf("the master is given %q", args)
	}
	want := map[string]string{"LOCUST_LOCUSTFILE": "locustfile.py,master/load_shapes.py", "LOCUST_USERCLASS_PICKER": "true"}
	for name, value := range want {
		if got := m.configs[0].Data[name]; got != value {
			t.Errorf("%s is %q, want %q", name, got, value)
		}
	}
}

// TestSmallRequests: the base fits a cluster of two cores, whatever else runs there.
func TestSmallRequests(t *testing.T) {
	var milli int64
	for _, w := range rendered(t, "base").workloads {
		pods := int64(1)
		if w.name == "locust-worker" {
			pods = 2 // the least of its autoscaler
		}
		for _, c := range w.pod.Spec.Containers {
			milli += pods * c.Resources.Requests.Cpu().MilliValue()
		}
	}
	if milli > 1500 {
		t.Errorf("the pods request %d thousandths of a core", milli)
	}
}

// TestLocalImages: each container of the project's own runs an image that docker compose builds, and pulls none.
func TestLocalImages(t *testing.T) {
	for _, w := range rendered(t, "overlays/local").workloads {
		for _, c := range slices.Concat(w.pod.Spec.InitContainers, w.pod.Spec.Containers) {
			own := strings.HasPrefix(c.Image, "bandwing/") && strings.HasSuffix(c.Image, ":dev")
			if c.Name != "redis" && (!own || c.ImagePullPolicy != core.PullNever) {
				t.Errorf("%s: %s is pulled %s", w.name, c.Image, c.ImagePullPolicy)
			}
		}
	}
}

// rendered returns the objects of one of the folders.
func rendered(t *testing.T, dir string) *manifests {
	t.Helper()
	text, err := renderKustomization(root + "/deploy/kubernetes/" + dir)
	if err != nil {
		t.Fatal(err)
	}
	var m manifests
	for document := range bytes.SplitSeq(text, []byte("\n---\n")) {
		if err := m.add(document); err != nil {
			t.Fatal(err)
		}
	}
	return &m
}

// TestExternalRedis: nothing of our Redis is left, and the service gets the login.
func TestExternalRedis(t *testing.T) {
	text, err := renderKustomization(root + "/deploy/kubernetes/overlays/external-redis")
	if err != nil {
		t.Fatal(err)
	}
	for part, want := range map[string]bool{
		"kind: StatefulSet": false, "name: redis\n": false, "component: redis": false, "REDIS_HOST: redis\n": false,
		"REDIS_HOST: redis.example.com": true, "name: redis-login": true, "name: REDIS_PASSWORD": true, "LOCUST_HOST: http://api:5000": true,
	} {
		if got := strings.Contains(string(text), part); got != want {
			t.Errorf("%q is there: %v", part, got)
		}
	}
}
