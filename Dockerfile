# syntax=docker/dockerfile:1
# One static binary, no shell, not root. The state lives on the volume: an image without it forgets what is normal at every restart.
FROM --platform=$BUILDPLATFORM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG TARGETOS TARGETARCH
RUN GOOS=$TARGETOS GOARCH=$TARGETARCH make build

FROM gcr.io/distroless/static:nonroot
COPY --from=build /src/bin/detector /detector
COPY --from=build /src/configs/detector.yaml /etc/revwatch/detector.yaml
USER 65532:65532
WORKDIR /var/lib/revwatch
VOLUME /var/lib/revwatch
EXPOSE 9847
LABEL org.opencontainers.image.title="revwatch" \
      org.opencontainers.image.description="Alerts when an API loses connections faster than it ever does" \
      org.opencontainers.image.source="https://github.com/revwatch/revwatch" \
      org.opencontainers.image.licenses="Apache-2.0"
ENTRYPOINT ["/detector"]
CMD ["run", "-config", "/etc/revwatch/detector.yaml"]
