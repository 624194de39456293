package main

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	core "k8s.io/api/core/v1"
	policy "k8s.io/api/policy/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// afterStop is what a pod needs beyond LOCUST_STOP_TIMEOUT: requests in flight, the last report, the message that it leaves.
const afterStop = 10 * time.Second

// faults returns what no schema can see: names that do not meet, and rules of this project.
func (m *manifests) faults() []string {
	var faults []string
	for _, w := range m.workloads {
		for _, fault := range m.workloadFaults(w) {
			faults = append(faults, w.kind+" "+w.name+": "+fault)
		}
	}
	for _, s := range m.services {
		for _, port := range s.Spec.Ports {
			if !m.servesPort(labels.SelectorFromSet(s.Spec.Selector), port.TargetPort) {
				faults = append(faults, fmt.Sprintf("Service %s: no pod that it selects has the port %s", s.Name, port.TargetPort.String()))
			}
		}
	}
	for _, h := range m.scalers {
		target := h.Spec.ScaleTargetRef
		if !slices.ContainsFunc(m.workloads, func(w workload) bool { return w.kind == target.Kind && w.name == target.Name }) {
			faults = append(faults, fmt.Sprintf("HorizontalPodAutoscaler %s: there is no %s %s", h.Name, target.Kind, target.Name))
		}
	}
	faults = append(faults, m.policyFaults()...)
	return append(faults, m.monitorFaults()...)
}

// policyFaults: NetworkPolicies and PodDisruptionBudgets that select nothing protect nothing, and each workload needs a
// budget.
func (m *manifests) policyFaults() []string {
	var faults []string
	for _, p := range m.policies {
		selector, err := meta.LabelSelectorAsSelector(&p.Spec.PodSelector)
		for _, rule := range p.Spec.Ingress {
			for _, port := range rule.Ports {
				if err != nil || port.Port == nil || !m.servesPort(selector, *port.Port) {
					faults = append(faults, fmt.Sprintf("NetworkPolicy %s: no pod that it selects has its port", p.Name))
				}
			}
		}
	}
	for _, b := range m.budgets {
		if !slices.ContainsFunc(m.workloads, func(w workload) bool { return matches(b.Spec.Selector, w.pod.Labels) }) {
			faults = append(faults, fmt.Sprintf("PodDisruptionBudget %s: it selects no pod", b.Name))
		}
	}
	for _, w := range m.workloads {
		if !slices.ContainsFunc(m.budgets, func(b policy.PodDisruptionBudget) bool { return matches(b.Spec.Selector, w.pod.Labels) }) {
			faults = append(faults, fmt.Sprintf("%s %s: no PodDisruptionBudget selects its pods", w.kind, w.name))
		}
	}
	return faults
}

func (m *manifests) workloadFaults(w workload) []string {
	var faults []string
	if !matches(w.selector, w.pod.Labels) {
		faults = append(faults, "its selector does not select its pods")
	}
	if pod := w.pod.Spec.SecurityContext; pod == nil || !isTrue(pod.RunAsNonRoot) || pod.SeccompProfile == nil {
		faults = append(faults, "runAsNonRoot and seccompProfile are not set")
	}
	starts := len(w.pod.Spec.InitContainers)
	for i, c := range slices.Concat(w.pod.Spec.InitContainers, w.pod.Spec.Containers) {
		for _, source := range c.EnvFrom {
			faults = append(faults, m.settingsFaults(w, source)...)
		}
		for _, fault := range containerFaults(c, i < starts) {
			faults = append(faults, "container "+c.Name+": "+fault)
		}
	}
	return faults
}

// settingsFaults holds a pod against the settings that it takes.
func (m *manifests) settingsFaults(w workload, source core.EnvFromSource) []string {
	if source.ConfigMapRef == nil {
		return nil
	}
	for _, config := range m.configs {
		if config.Name != source.ConfigMapRef.Name {
			continue
		}
		seconds, err := strconv.Atoi(config.Data["LOCUST_STOP_TIMEOUT"])
		grace := w.pod.Spec.TerminationGracePeriodSeconds
		locust := w.pod.Spec.Containers[0].Name == "locust"
		if locust && (err != nil || grace == nil || time.Duration(*grace-int64(seconds))*time.Second < afterStop) {
			return []string{fmt.Sprintf("terminationGracePeriodSeconds must be %v above LOCUST_STOP_TIMEOUT", afterStop)}
		}
		return nil
	}
	return []string{"there is no ConfigMap " + source.ConfigMapRef.Name}
}

// containerFaults holds a container against the rules; one that ends before the others start needs no probes.
func containerFaults(c core.Container, ends bool) []string {
	var faults []string
	fault := func(bad bool, text string) {
		if bad {
			faults = append(faults, text)
		}
	}
	fault(!pinned(c.Image), fmt.Sprintf("image %q: name a version", c.Image))
	fault(c.Resources.Requests.Cpu().IsZero() || c.Resources.Requests.Memory().IsZero(), "requests no CPU and memory")
	fault(c.Resources.Limits.Memory().IsZero(), "no limit of memory")
	fault(!ends && (c.LivenessProbe == nil || c.ReadinessProbe == nil), "livenessProbe or readinessProbe is missing")
	s := c.SecurityContext
	fault(s == nil || !isTrue(s.ReadOnlyRootFilesystem) || s.AllowPrivilegeEscalation == nil || *s.AllowPrivilegeEscalation ||
		s.Capabilities == nil || !slices.Contains(s.Capabilities.Drop, "ALL"),
		"set readOnlyRootFilesystem, allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}")
	for _, probe := range []*core.Probe{c.StartupProbe, c.LivenessProbe, c.ReadinessProbe} {
		port, ok := probePort(probe)
		fault(ok && !hasPort(c, port), fmt.Sprintf("a probe asks the port %s, which it has not", port.String()))
	}
	return faults
}

func probePort(p *core.Probe) (port intstr.IntOrString, ok bool) {
	switch {
	case p == nil:
		return port, false
	case p.HTTPGet != nil:
		return p.HTTPGet.Port, true
	case p.TCPSocket != nil:
		return p.TCPSocket.Port, true
	}
	return port, false
}

// monitorFaults: whom Prometheus would ask, and on which port.
func (m *manifests) monitorFaults() []string {
	var faults []string
	for _, monitor := range m.serviceMonitors {
		for _, endpoint := range monitor.Spec.Endpoints {
			if !slices.ContainsFunc(m.services, func(s core.Service) bool {
				return matches(&monitor.Spec.Selector, s.Labels) &&
					slices.ContainsFunc(s.Spec.Ports, func(p core.ServicePort) bool { return p.Name == endpoint.Port })
			}) {
				faults = append(faults, fmt.Sprintf("ServiceMonitor %s: no service that it selects has the port %q", monitor.Name, endpoint.Port))
			}
		}
	}
	for _, monitor := range m.podMonitors {
		for _, endpoint := range monitor.Spec.PodMetricsEndpoints {
			selector, err := meta.LabelSelectorAsSelector(&monitor.Spec.Selector)
			if err != nil || endpoint.Port == nil || !m.servesPort(selector, intstr.FromString(*endpoint.Port)) {
				faults = append(faults, fmt.Sprintf("PodMonitor %s: no pod that it selects has its port", monitor.Name))
			}
		}
	}
	return faults
}

// servesPort reports whether a pod that is selected has the port.
func (m *manifests) servesPort(selector labels.Selector, port intstr.IntOrString) bool {
	return slices.ContainsFunc(m.workloads, func(w workload) bool {
		return !selector.Empty() && selector.Matches(labels.Set(w.pod.Labels)) &&
			slices.ContainsFunc(w.pod.Spec.Containers, func(c core.Container) bool { return hasPort(c, port) })
	})
}

func hasPort(c core.Container, port intstr.IntOrString) bool {
	return slices.ContainsFunc(c.Ports, func(p core.ContainerPort) bool {
		return p.Name == port.StrVal && port.Type == intstr.String || p.ContainerPort == port.IntVal && port.Type == intstr.Int
	})
}

func matches(selector *meta.LabelSelector, set map[string]string) bool {
	s, err := meta.LabelSelectorAsSelector(selector)
	return err == nil && !s.Empty() && s.Matches(labels.Set(set))
}

func isTrue(b *bool) bool { return b != nil && *b }
