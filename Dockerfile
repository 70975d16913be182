# The page and the command line, on the processor: docs/docker.md says how to use it.
FROM python:3.12-slim AS build
WORKDIR /source
COPY pyproject.toml README.md LICENSE ./
COPY src src
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheels .

FROM python:3.12-slim
# PyTorch's index of builds without CUDA, from its installation page; without it the image is several GB larger.
ARG TORCH_INDEX=
COPY constraints.txt /tmp/
RUN pip install --no-cache-dir --constraint /tmp/constraints.txt ${TORCH_INDEX:+--index-url "$TORCH_INDEX"} torch
COPY --from=build /wheels /tmp/wheels
RUN pip install --no-cache-dir --constraint /tmp/constraints.txt \
        "$(echo /tmp/wheels/*.whl)[codecs,film,heic,hub,onnx,web]" \
    && useradd --uid 1000 --no-create-home restorae \
    && mkdir /data /models \
    && chown restorae /data /models
# Caches lie where any user may write, since files on the host belong to somebody else than user 1000.
ENV XDG_CACHE_HOME=/tmp/cache MPLCONFIGDIR=/tmp/matplotlib
USER restorae
WORKDIR /data
VOLUME ["/data", "/models"]
EXPOSE 8765
# A file that needs no token. Commands other than `serve` end before the first check.
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8765/style.css', timeout=5)"]
ENTRYPOINT ["restorae"]
# All addresses of the container; which of them the host passes on is decided by `docker run --publish`.
CMD ["serve", "--host", "0.0.0.0", "--port", "8765", "--no-open", "--models", "/models", "--keep", "/data/page"]
