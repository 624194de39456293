package main

import (
	"bytes"
	"errors"
	"fmt"

	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	apps "k8s.io/api/apps/v1"
	autoscaling "k8s.io/api/autoscaling/v2"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/json"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

// renderKustomization does what `kubectl kustomize DIR` does.
func renderKustomization(dir string) ([]byte, error) {
	resources, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), dir)
	if err != nil {
		return nil, err
	}
	return resources.AsYaml()
}

// manifests are the decoded objects of one rendering.
type manifests struct {
	workloads       []workload
	namespaces      []core.Namespace
	configs         []core.ConfigMap
	services        []core.Service
	policies        []networking.NetworkPolicy
	budgets         []policy.PodDisruptionBudget
	scalers         []autoscaling.HorizontalPodAutoscaler
	serviceMonitors []monitoring.ServiceMonitor
	podMonitors     []monitoring.PodMonitor
}

// workload is a Deployment or a StatefulSet.
type workload struct {
	kind, name string
	selector   *meta.LabelSelector
	pod        core.PodTemplateSpec
}

// checkManifests returns what is wrong with each document of the text, and between them.
func checkManifests(text []byte) []string {
	var m manifests
	var faults []string
	for document := range bytes.SplitSeq(text, []byte("\n---\n")) {
		if err := m.add(document); err != nil {
			faults = append(faults, err.Error())
		}
	}
	return append(faults, m.faults()...)
}

// add decodes a document into the type that Kubernetes, or the Prometheus operator, has for it.
func (m *manifests) add(document []byte) error {
	var head meta.TypeMeta
	if err := yaml.Unmarshal(document, &head); err != nil {
		return err
	}
	switch head.APIVersion + " " + head.Kind {
	case "v1 Namespace":
		return collect(document, &m.namespaces)
	case "v1 ConfigMap":
		return collect(document, &m.configs)
	case "v1 Service":
		return collect(document, &m.services)
	case "networking.k8s.io/v1 NetworkPolicy":
		return collect(document, &m.policies)
	case "policy/v1 PodDisruptionBudget":
		return collect(document, &m.budgets)
	case "autoscaling/v2 HorizontalPodAutoscaler":
		return collect(document, &m.scalers)
	case "monitoring.coreos.com/v1 ServiceMonitor":
		return collect(document, &m.serviceMonitors)
	case "monitoring.coreos.com/v1 PodMonitor":
		return collect(document, &m.podMonitors)
	case "apps/v1 Deployment":
		var d apps.Deployment
		err := decode(document, &d)
		m.workloads = append(m.workloads, workload{d.Kind, d.Name, d.Spec.Selector, d.Spec.Template})
		return err
	case "apps/v1 StatefulSet":
		var s apps.StatefulSet
		err := decode(document, &s)
		m.workloads = append(m.workloads, workload{s.Kind, s.Name, s.Spec.Selector, s.Spec.Template})
		return err
	}
	return fmt.Errorf("%s %s: shipcheck does not know this kind: teach it", head.APIVersion, head.Kind)
}

func collect[T any](document []byte, into *[]T) error {
	var object T
	err := decode(document, &object)
	*into = append(*into, object)
	return err
}

// decode takes no field that the type has not, not in other letters either, and none twice: as the API server does.
func decode(document []byte, into any) error {
	text, err := yaml.YAMLToJSONStrict(document)
	if err != nil {
		return fmt.Errorf("%T: %w", into, err)
	}
	faults, err := json.UnmarshalStrict(text, into)
	if err := errors.Join(append(faults, err)...); err != nil {
		return fmt.Errorf("%T: %w", into, err)
	}
	return nil
}
