# syntax=docker/dockerfile:1
# The chat side: no torch, no model.

FROM python:3.11-slim AS build
WORKDIR /src
RUN python -m venv /opt/threadsight
ENV PATH=/opt/threadsight/bin:$PATH
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY jobs jobs
COPY bot bot
COPY inference_worker inference_worker
COPY threadsight threadsight
RUN --mount=type=cache,target=/root/.cache/pip pip install -c constraints.txt '.[bot]'

FROM python:3.11-slim
RUN useradd --uid 10001 --no-create-home threadsight
COPY --from=build /opt/threadsight /opt/threadsight
ENV PATH=/opt/threadsight/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER threadsight
WORKDIR /tmp
ENTRYPOINT ["threadsight"]
CMD ["bot"]
