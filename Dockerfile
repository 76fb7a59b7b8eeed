# Your base image: an init, a control plane and what a Debian or Ubuntu system lacks in a container.
# docs/docker.md
#   docker build -t my_init .
#   docker build -t my_init --build-arg BASE_IMAGE=debian:bookworm-slim --build-arg DISABLE_SSH=1 .
ARG BASE_IMAGE=ubuntu:24.04
# Only builds: the Node in the image is the one that package-lock.json pins, with the libraries of
# this image.
ARG NODE_IMAGE=node:24-bookworm-slim

FROM ${NODE_IMAGE} AS build
RUN apt-get update -q \
  && apt-get install -qy --no-install-recommends binutils gcc libc6-dev libpam0g-dev make musl-tools
WORKDIR /build
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY . .
RUN npm run build && image/layout /out

FROM ${BASE_IMAGE} AS locale
RUN apt-get update -q \
  && apt-get install -qy --no-install-recommends locales \
  && rm -f /usr/lib/locale/locale-archive \
  && localedef -i en_US -f UTF-8 en_US.UTF-8

FROM ${BASE_IMAGE}
# 1 leaves a part out.
ARG DISABLE_SYSLOG=0
ARG DISABLE_CRON=0
ARG DISABLE_SSH=0
ARG DISABLE_TOOLS=0
COPY --from=locale /usr/lib/locale/locale-archive /usr/lib/locale/
COPY --from=build /out/ /
COPY image /tmp/image
RUN /tmp/image/install
ENV LANG=en_US.UTF-8

ARG VERSION=unreleased
ARG REVISION=unknown
LABEL org.opencontainers.image.title="my_init" \
  org.opencontainers.image.description="A base image for containers with more than one process: init, supervisor and control plane" \
  org.opencontainers.image.licenses="MIT" \
  org.opencontainers.image.version="${VERSION}" \
  org.opencontainers.image.revision="${REVISION}"
# Probes and metrics: reachable without being published.
EXPOSE 9180
STOPSIGNAL SIGTERM
CMD ["/sbin/my_init"]
