# syntax=docker/dockerfile:1
# The model side: no chat SDK. Without TORCH_INDEX torch comes with CUDA; with PyTorch's CPU index it is far smaller:
#   docker build -f deploy/worker.Dockerfile --build-arg TORCH_INDEX=https://download.pytorch.org/whl/cpu .

FROM python:3.11-slim AS build
ARG TORCH_INDEX=
WORKDIR /src
RUN python -m venv /opt/threadsight
ENV PATH=/opt/threadsight/bin:$PATH
COPY constraints.txt ./
RUN --mount=type=cache,target=/root/.cache/pip \
    pip install -c constraints.txt ${TORCH_INDEX:+--no-deps --index-url "$TORCH_INDEX"} torch
COPY pyproject.toml README.md LICENSE ./
COPY jobs jobs
COPY bot bot
COPY inference_worker inference_worker
COPY threadsight threadsight
RUN --mount=type=cache,target=/root/.cache/pip pip install -c constraints.txt '.[worker]'

FROM python:3.11-slim
RUN useradd --uid 10001 --no-create-home threadsight && install --directory --owner threadsight /models
COPY --from=build /opt/threadsight /opt/threadsight
ENV PATH=/opt/threadsight/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 HF_HOME=/models
USER threadsight
WORKDIR /tmp
VOLUME /models
ENTRYPOINT ["threadsight"]
CMD ["worker"]
