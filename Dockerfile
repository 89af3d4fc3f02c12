# syntax=docker/dockerfile:1
# check=error=true

# One static binary, no shell, not root, nothing written outside its volume: run it with a read-only root. The state lives on the volume: a
# container without it forgets what is normal at every restart. Several machines: docker buildx build --platform linux/amd64,linux/arm64 .
FROM --platform=$BUILDPLATFORM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum Makefile ./
RUN make download
COPY . .
ARG TARGETOS TARGETARCH VERSION
RUN GOOS=$TARGETOS GOARCH=$TARGETARCH VERSION=$VERSION make build

# It brings the system's certificate authorities, time zones and the user nonroot (65532), and no program.
FROM gcr.io/distroless/static:nonroot
COPY --from=build /src/LICENSE /licenses/revwatch/LICENSE
COPY --from=build /src/configs/detector.yaml /etc/revwatch/detector.yaml
COPY --from=build /src/bin/detector /detector
USER 65532:65532
# Made by the user above, so that a new volume belongs to it.
WORKDIR /var/lib/revwatch
VOLUME /var/lib/revwatch
# Metrics and health. The API, on 9848, is of this container alone until http.admin_listen and http.admin_token say otherwise.
EXPOSE 9847
# Alive, not ready: a broker that is away is no reason to start again.
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s CMD ["/detector", "health", "-config", "/etc/revwatch/detector.yaml"]
ENTRYPOINT ["/detector"]
CMD ["run", "-config", "/etc/revwatch/detector.yaml"]
ARG VERSION REVISION
LABEL org.opencontainers.image.title="revwatch" \
      org.opencontainers.image.description="Alerts when an API loses connections faster than it ever does" \
      org.opencontainers.image.url="https://github.com/revwatch/revwatch" \
      org.opencontainers.image.source="https://github.com/revwatch/revwatch" \
      org.opencontainers.image.documentation="https://github.com/revwatch/revwatch/blob/main/docs/deploying.md" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.licenses="Apache-2.0"
