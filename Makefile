# Everything here is short for a command that can be typed; README's own are `go test ./...` and `go run ./cmd/detector demo`.

KAFKA_VERSIONS ?= 3.9.2 4.3.0
ALERTMANAGER   ?= prometheus-alertmanager
PROMETHEUS     ?= prometheus
VICTORIAMETRICS ?= victoria-metrics
STATICCHECK     = honnef.co/go/tools/cmd/staticcheck@v0.8.2
OTELCOL_BUILDER = go.opentelemetry.io/collector/cmd/builder@v0.165.0

.PHONY: build test race vet lint fmt bench integration integration-alertmanager integration-elasticsearch integration-prometheus demo
.PHONY: need-java need-javac need-mvn need-alertmanager need-prometheus need-curl need-jq
.DEFAULT_GOAL := build

build: ## a static binary; VERSION=v1.2.3 is what it calls itself, else what Go knows of the commit; GOOS and GOARCH as Go has them
	CGO_ENABLED=0 go build -trimpath -ldflags "-s -w $(VERSION:%=-X main.release=%)" -o $(BIN) ./cmd/detector

# What images and machines are made of, and how their files are checked.
BIN     ?= bin/detector
MACHINES = amd64 arm64
.PHONY: download cross validate validate-systemd need-systemd-analyze

download: ## the modules, so that an image's layer keeps them
	go mod download

cross: ## the binary of each machine that images are made for
	@for arch in $(MACHINES); do GOOS=linux GOARCH=$$arch $(MAKE) build BIN=bin/detector-linux-$$arch || exit 1; done

validate: ## the Dockerfile and the files in deploy, by the libraries of those who read them; in a module of its own
	cd deploy/validate && go vet ./... && go test ./...

validate-systemd: | need-systemd-analyze ## the units, by systemd itself
	deploy/systemd/verify.sh

need-systemd-analyze:
	@command -v systemd-analyze >/dev/null || { echo "make validate-systemd: systemd-analyze is missing (package systemd)" >&2; exit 1; }

test:
	go test ./...

race:
	go test -race -shuffle=on ./...

vet: ## also what only integration tests see
	go vet ./...
	go vet -tags integration ./...

lint: ## staticcheck, of one version
	go run $(STATICCHECK) -tags integration ./...

fmt: ## fails when a file is not formatted
	@test -z "$$(gofmt -l .)" || { gofmt -d .; exit 1; }

bench: ## each benchmark once a second, memory too
	go test -run '^$$' -bench . -benchmem ./...

demo:
	go run ./cmd/detector demo

# Real Apache Kafka, several versions one after the other. Needs Java 17 and Maven; the jars are kept in .kafka.
integration: integration-alertmanager integration-prometheus integration-elasticsearch $(KAFKA_VERSIONS:%=.kafka/%/.complete) | need-java
	@for v in $(KAFKA_VERSIONS); do \
		echo "Apache Kafka $$v"; \
		REVWATCH_KAFKA_JARS="$(CURDIR)/.kafka/$$v" REVWATCH_SEARCH_ENGINES="$(CURDIR)/.searchengine" \
			go test -tags integration -count=1 -p 1 -timeout 10m -run Integration $$(go list ./... | grep -v -e '/pkg/alert$$' -e '/pkg/ship$$' -e /deploy/) || exit 1; \
	done

integration-alertmanager: | need-alertmanager ## a cluster of two real Alertmanagers
	REVWATCH_ALERTMANAGER="$(ALERTMANAGER)" go test -tags integration -count=1 -timeout 10m -run Integration ./pkg/alert

integration-prometheus: | need-prometheus ## dashboards and alarms in a real Prometheus and VictoriaMetrics
	REVWATCH_PROMETHEUS="$(PROMETHEUS)" REVWATCH_VICTORIAMETRICS="$(VICTORIAMETRICS)" go test -tags integration -count=1 -timeout 10m -run Integration ./deploy/...

# An OpenTelemetry Collector of the parts that deploy/ship names; the scripts there need curl and jq.
integration: export REVWATCH_OTELCOL ?= $(CURDIR)/.otelcol/otelcol/otelcol
integration: .otelcol/.complete | need-curl need-jq
.otelcol/.complete: deploy/ship/opentelemetry-collector/builder.yaml
	mkdir -p .otelcol && cd .otelcol && go run $(OTELCOL_BUILDER) --config "$(CURDIR)/$<"
	@touch $@

integration-elasticsearch: .searchengine/opensearch/.complete .searchengine/elasticsearch/.complete | need-java ## a real OpenSearch and a real Elasticsearch
	REVWATCH_SEARCH_ENGINES="$(CURDIR)/.searchengine" go test -tags integration -count=1 -timeout 10m -run Integration ./pkg/ship

.searchengine/%/.complete: internal/searchengine/%/pom.xml internal/searchengine/%/Loopback.java | need-mvn need-javac
	mvn -q -B -f $< dependency:copy-dependencies -DoutputDirectory="$(CURDIR)/$(@D)" -DincludeScope=runtime
	javac -cp "$(@D)/*" -d "$(@D)" internal/searchengine/$*/Loopback.java
	@touch $@

.kafka/%/.complete: internal/broker/apache/pom.xml | need-java need-mvn
	mvn -q -B -f $< -Dkafka.version=$* dependency:copy-dependencies -DoutputDirectory="$(CURDIR)/.kafka/$*" -DincludeScope=runtime
	@touch $@

need-java need-javac need-mvn: need-%:
	@command -v $* >/dev/null || { echo "make integration: $* is missing; it needs Java 17 or newer (package openjdk-17-jdk-headless) and Maven (package maven)" >&2; exit 1; }

need-curl need-jq: need-%:
	@command -v $* >/dev/null || { echo "make integration: $* is missing (package $*)" >&2; exit 1; }

need-alertmanager:
	@command -v $(ALERTMANAGER) >/dev/null || { echo "make integration: $(ALERTMANAGER) is missing (package prometheus-alertmanager); ALERTMANAGER=PROGRAM names another" >&2; exit 1; }

need-prometheus:
	@command -v $(PROMETHEUS) >/dev/null && command -v promtool >/dev/null || { echo "make integration: $(PROMETHEUS) or promtool is missing (package prometheus); PROMETHEUS=PROGRAM names another" >&2; exit 1; }
	@command -v $(VICTORIAMETRICS) >/dev/null || { echo "make integration: $(VICTORIAMETRICS) is missing (package victoria-metrics); VICTORIAMETRICS=PROGRAM names another" >&2; exit 1; }
