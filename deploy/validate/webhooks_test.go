package validate

import (
	"fmt"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
)

// The receiver of webhooks is reached at its port, by the probes too; it sees no secret but its own, and only names and Kafka are open to it.
func TestWebhooksAreReceived(t *testing.T) {
	c := build(t, "deploy/kubernetes, webhooks")
	if len(c.deployed) != 1 || len(build(t, "deploy/kubernetes").deployed) != 0 {
		t.Fatalf("%d deployments", len(c.deployed))
	}
	d := c.deployed[0]
	selects(t, d.Name, d.Spec.Selector, d.Spec.Template.Labels)
	pod := d.Spec.Template.Spec
	box := pod.Containers[0]
	ports := map[string]int32{}
	for _, p := range box.Ports {
		ports[p.Name] = p.ContainerPort
	}
	for _, p := range []*corev1.Probe{box.LivenessProbe, box.ReadinessProbe} {
		// /readyz remembers a failed write, which only another delivery mends.
		if p == nil || p.HTTPGet == nil || p.HTTPGet.Path != "/healthz" || ports[p.HTTPGet.Port.String()] != 9849 {
			t.Errorf("probe %+v", p)
		}
	}
	if ports["metrics"] != 9850 || d.Spec.Template.Annotations["prometheus.io/port"] != "9850" {
		t.Errorf("ports %v, annotations %v", ports, d.Spec.Template.Annotations)
	}
	i := slices.IndexFunc(c.services, func(s corev1.Service) bool { return s.Name == d.Name })
	if i < 0 || c.services[i].Spec.Ports[0].Port != 9849 || ports[c.services[i].Spec.Ports[0].TargetPort.String()] != 9849 {
		t.Errorf("services %+v", c.services)
	}
	if box.Lifecycle == nil || box.Lifecycle.PreStop.Sleep.Seconds+15 >= *pod.TerminationGracePeriodSeconds {
		t.Errorf("it ends before what is on its way: %+v", box.Lifecycle)
	}
	mounts(t, &pod)
	reaches(t, &c, d.Spec.Template.Labels)
}

func mounts(t *testing.T, pod *corev1.PodSpec) {
	t.Helper()
	var items, volumes []string
	for _, v := range pod.Volumes {
		volumes = append(volumes, v.Name)
		if v.Secret != nil || v.EmptyDir != nil || v.HostPath != nil {
			t.Errorf("volume %+v", v)
		}
		if v.Projected == nil {
			continue
		}
		for _, s := range v.Projected.Sources {
			for _, item := range s.Secret.Items {
				items = append(items, item.Path)
			}
		}
	}
	if fmt.Sprint(items) != "[signing-key kafka]" {
		t.Errorf("it sees %v", items)
	}
	for _, m := range pod.Containers[0].VolumeMounts {
		if !slices.Contains(volumes, m.Name) {
			t.Errorf("no volume %s", m.Name)
		}
	}
}

func reaches(t *testing.T, c *cluster, of map[string]string) {
	t.Helper()
	i := slices.IndexFunc(c.policies, func(p networkingv1.NetworkPolicy) bool { return p.Name == "webhooks" })
	if i < 0 {
		t.Fatalf("policies %+v", c.policies)
	}
	p := c.policies[i].Spec
	selects(t, "policy", &p.PodSelector, of)
	var in, out []string
	for _, r := range p.Ingress {
		if len(r.From) == 0 {
			t.Error("anybody may come")
		}
		for _, port := range r.Ports {
			in = append(in, port.Port.String())
		}
	}
	for _, r := range p.Egress {
		if len(r.To) == 0 {
			t.Error("a rule lets out to anywhere")
		}
		for _, port := range r.Ports {
			out = append(out, port.Port.String())
		}
	}
	if fmt.Sprint(in, out) != "[9849 9850] [53 53 9092 9093]" || len(p.PolicyTypes) != 2 {
		t.Errorf("in %v, out %v, types %v", in, out, p.PolicyTypes)
	}
}
