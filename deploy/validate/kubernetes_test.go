package validate

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

// cluster is what `kubectl apply -k` of a folder makes.
type cluster struct {
	sets     []appsv1.StatefulSet
	deployed []appsv1.Deployment
	policies []networkingv1.NetworkPolicy
	budgets  []policyv1.PodDisruptionBudget
	services []corev1.Service
	accounts []corev1.ServiceAccount
	configs  []corev1.ConfigMap
}

// folders are those that can be applied, and the first with what it leaves to choice.
var folders = map[string]func(string) string{
	"deploy/kubernetes":           func(s string) string { return s },
	"deploy/kubernetes, ship":     func(s string) string { return strings.Replace(s, "# - ship.yaml", "- ship.yaml", 1) },
	"deploy/kubernetes, webhooks": func(s string) string { return strings.Replace(s, "# - webhooks.yaml", "- webhooks.yaml", 1) },
	"deploy/kubernetes/sidecar":   func(s string) string { return s },
}

// build reads a folder as kustomize does, and each object strictly, as the API server does with --validate=strict.
func build(t *testing.T, folder string) (c cluster) {
	t.Helper()
	change := folders[folder]
	folder, _, _ = strings.Cut(folder, ",")
	memory := filesys.MakeFsInMemory()
	for _, name := range []string{"kustomization.yaml", "detector.yaml", "statefulset.yaml", "networkpolicy.yaml", "ship.yaml", "webhooks.yaml", "sidecar.yaml"} {
		if exists(folder + "/" + name) {
			text := read(t, folder+"/"+name)
			if name == "kustomization.yaml" {
				text = []byte(change(string(text)))
			}
			if err := memory.WriteFile("/k/"+name, text); err != nil {
				t.Fatal(err)
			}
			check(t, folder+"/"+name, text)
		}
	}
	made, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(memory, "/k")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range made.Resources() {
		raw, err := r.AsYAML()
		if err != nil {
			t.Fatal(err)
		}
		if r.GetNamespace() != "revwatch" {
			t.Errorf("%s is in the namespace %q", r.CurId(), r.GetNamespace())
		}
		c.take(t, r.GetKind(), raw)
	}
	return c
}

// check looks for keys that are given twice or that nothing knows, in the file as it is written.
func check(t *testing.T, name string, text []byte) {
	t.Helper()
	if strings.HasSuffix(name, "kustomization.yaml") || strings.HasSuffix(name, "detector.yaml") {
		return
	}
	var c cluster
	for _, part := range bytes.Split(text, []byte("\n---\n")) {
		var kind metav1.TypeMeta
		if err := yaml.Unmarshal(part, &kind); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		c.take(t, kind.Kind, part)
	}
}

func (c *cluster) take(t *testing.T, kind string, raw []byte) {
	t.Helper()
	var err error
	switch kind {
	case "StatefulSet":
		c.sets, err = strictly(c.sets, raw)
	case "Deployment":
		c.deployed, err = strictly(c.deployed, raw)
	case "NetworkPolicy":
		c.policies, err = strictly(c.policies, raw)
	case "PodDisruptionBudget":
		c.budgets, err = strictly(c.budgets, raw)
	case "Service":
		c.services, err = strictly(c.services, raw)
	case "ServiceAccount":
		c.accounts, err = strictly(c.accounts, raw)
	case "ConfigMap":
		c.configs, err = strictly(c.configs, raw)
	default:
		err = fmt.Errorf("nothing here knows a %s", kind)
	}
	if err != nil {
		t.Errorf("%v in\n%s", err, raw)
	}
}

func strictly[T any](all []T, raw []byte) ([]T, error) {
	var one T
	err := yaml.UnmarshalStrict(raw, &one)
	return append(all, one), err
}

// Every pod may run where the restricted profile of the Pod Security Standards is enforced, by the library that enforces it.
func TestPodsAreRestricted(t *testing.T) {
	judge, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		t.Fatal(err)
	}
	level := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
	for folder := range folders {
		for _, pod := range build(t, folder).pods() {
			if all := policy.AggregateCheckResults(judge.EvaluatePod(level, &pod.ObjectMeta, &pod.Spec)); !all.Allowed {
				t.Errorf("%s, %s: %s", folder, pod.Name, all.ForbiddenDetail())
			}
			for _, c := range containers(&pod.Spec) {
				if ro := c.SecurityContext.ReadOnlyRootFilesystem; ro == nil || !*ro {
					t.Errorf("%s, %s can write to its image", pod.Name, c.Name)
				}
				c.SecurityContext.Capabilities = nil
			}
			if policy.AggregateCheckResults(judge.EvaluatePod(level, &pod.ObjectMeta, &pod.Spec)).Allowed {
				t.Errorf("%s: a pod that keeps its capabilities is not told apart", pod.Name)
			}
		}
	}
}

// What is named is there: accounts, services, ports of probes, volumes, configurations; and selectors select.
func TestKubernetesNamesWhatExists(t *testing.T) {
	for folder := range folders {
		c := build(t, folder)
		if len(c.sets) == 0 || len(c.configs) != 1 {
			t.Errorf("%s: %d sets, %d configurations", folder, len(c.sets), len(c.configs))
		}
		for _, set := range c.sets {
			selects(t, set.Name, set.Spec.Selector, set.Spec.Template.Labels)
			volumes(t, &set, c.configs[0].Name)
		}
		for _, template := range c.pods() {
			if name := template.Spec.ServiceAccountName; name != "" && !slices.ContainsFunc(c.accounts, func(a corev1.ServiceAccount) bool { return a.Name == name }) {
				t.Errorf("%s: no account %s", folder, name)
			}
			if on := template.Spec.AutomountServiceAccountToken; on == nil || *on {
				t.Errorf("%s: %s holds a token of the cluster", folder, template.Name)
			}
			for _, x := range containers(&template.Spec) {
				probes(t, x)
				if !strings.HasPrefix(x.Image, "registry.example.com/revwatch:") || x.Resources.Requests.Memory().IsZero() || x.Resources.Limits.Memory().IsZero() {
					t.Errorf("%s, %s: image %s, resources %v", template.Name, x.Name, x.Image, x.Resources)
				}
			}
		}
		for _, b := range c.budgets {
			selects(t, "budget", b.Spec.Selector, c.pod(b.Name).Labels)
		}
		for _, s := range c.services {
			if !labels.SelectorFromSet(s.Spec.Selector).Matches(labels.Set(c.pod(s.Name).Labels)) {
				t.Errorf("%s: the service selects nothing", folder)
			}
		}
	}
}

// volumes checks that each mount has its volume, and that the state outlives the pod.
func volumes(t *testing.T, set *appsv1.StatefulSet, config string) {
	t.Helper()
	there := map[string]bool{}
	for _, v := range set.Spec.Template.Spec.Volumes {
		there[v.Name] = true
		if v.EmptyDir != nil || v.HostPath != nil || v.ConfigMap != nil && v.ConfigMap.Name != config {
			t.Errorf("%s: volume %+v", set.Name, v)
		}
	}
	for _, v := range set.Spec.VolumeClaimTemplates {
		there[v.Name] = true
	}
	for _, x := range containers(&set.Spec.Template.Spec) {
		lasts := false
		for _, m := range x.VolumeMounts {
			if !there[m.Name] {
				t.Errorf("%s, %s: no volume %s", set.Name, x.Name, m.Name)
			}
			lasts = lasts || m.MountPath == "/var/lib/revwatch" && m.Name == set.Spec.VolumeClaimTemplates[0].Name
		}
		if !lasts {
			t.Errorf("%s, %s forgets its state", set.Name, x.Name)
		}
	}
}

// probes checks that a detector has the three, at a port of its own.
func probes(t *testing.T, c *corev1.Container) {
	t.Helper()
	if c.Name != "detector" {
		return
	}
	for path, p := range map[string]*corev1.Probe{"startup /healthz": c.StartupProbe, "liveness /healthz": c.LivenessProbe, "readiness /readyz": c.ReadinessProbe} {
		if p == nil || p.HTTPGet == nil || !strings.HasSuffix(path, " "+p.HTTPGet.Path) {
			t.Errorf("%s: %+v", path, p)
			continue
		}
		port := p.HTTPGet.Port.String()
		if !slices.ContainsFunc(c.Ports, func(x corev1.ContainerPort) bool { return x.Name == port && x.ContainerPort == 9847 }) {
			t.Errorf("%s: no port %s", path, port)
		}
	}
}

func selects(t *testing.T, who string, selector *metav1.LabelSelector, of map[string]string) {
	t.Helper()
	s, err := metav1.LabelSelectorAsSelector(selector)
	if err != nil || s.Empty() || !s.Matches(labels.Set(of)) {
		t.Errorf("%s: %s does not select %v: %v", who, s, of, err)
	}
}

// The network is shut but for names, Kafka, HTTPS to public addresses, and whoever scrapes.
func TestNetworkIsShut(t *testing.T) {
	c := build(t, "deploy/kubernetes")
	if len(c.policies) != 1 {
		t.Fatalf("%d policies", len(c.policies))
	}
	p := c.policies[0].Spec
	selects(t, "policy", &p.PodSelector, c.sets[0].Spec.Template.Labels)
	open := map[string]bool{}
	for _, rule := range p.Egress {
		if len(rule.To) == 0 {
			t.Error("a rule lets out to anywhere")
		}
		for _, port := range rule.Ports {
			open[fmt.Sprint(*port.Protocol, port.Port)] = true
		}
	}
	for _, want := range []string{"UDP53", "TCP53", "TCP9092", "TCP443"} {
		if !open[want] {
			t.Errorf("%s is shut; open are %v", want, open)
		}
	}
	if len(p.PolicyTypes) != 2 || len(p.Ingress) != 1 || len(p.Ingress[0].From) == 0 || p.Ingress[0].Ports[0].Port.IntValue() != 9847 {
		t.Errorf("types %v, in %+v", p.PolicyTypes, p.Ingress)
	}
}

// The sidecar is one by Kubernetes' own terms: an init container that goes on.
func TestSidecarIsNative(t *testing.T) {
	spec := build(t, "deploy/kubernetes/sidecar").sets[0].Spec.Template.Spec
	if len(spec.InitContainers) != 1 || spec.InitContainers[0].Name != "detector" {
		t.Fatalf("init containers %+v", spec.InitContainers)
	}
	if p := spec.InitContainers[0].RestartPolicy; p == nil || *p != corev1.ContainerRestartPolicyAlways {
		t.Errorf("restart policy %v", p)
	}
}

// containers are all of a pod.
func containers(spec *corev1.PodSpec) (all []*corev1.Container) {
	for i := range spec.InitContainers {
		all = append(all, &spec.InitContainers[i])
	}
	for i := range spec.Containers {
		all = append(all, &spec.Containers[i])
	}
	return all
}

// pods are the templates of all pods, each with the name of what makes it.
func (c cluster) pods() (all []corev1.PodTemplateSpec) {
	for _, s := range c.sets {
		s.Spec.Template.Name = s.Name
		all = append(all, s.Spec.Template)
	}
	for _, d := range c.deployed {
		d.Spec.Template.Name = d.Name
		all = append(all, d.Spec.Template)
	}
	return all
}

// pod is the template of that name; without labels where there is none.
func (c cluster) pod(name string) (found corev1.PodTemplateSpec) {
	for _, p := range c.pods() {
		if p.Name == name {
			found = p
		}
	}
	return found
}
