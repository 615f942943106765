"""What runs the service elsewhere fits the service: addresses, ports, pins, settings; no root, no writable file system."""

import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from mlpaygrade import __version__
from mlpaygrade.service.guard import PREFIX, Settings
from mlpaygrade.service.web import DRAIN_SECONDS, web_app

yaml = pytest.importorskip("yaml")

ROOT = Path(__file__).resolve().parent.parent
DOCKERFILES = [ROOT / "Dockerfile", ROOT / "deploy" / "serve.Dockerfile", ROOT / "deploy" / "mlflow.Dockerfile"]
SETTINGS = {f"{PREFIX}{field.name.upper()}" for field in fields(Settings)}


def documents(name: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((ROOT / name).read_text(encoding="utf-8")))


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.name)
def test_images_run_without_root_and_tell_whether_they_are_well(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    words = [line.split()[0] for line in lines if line and not line.startswith((" ", "#"))]
    assert words[0] == "FROM"
    assert words.index("USER") < words.index("CMD")
    assert "HEALTHCHECK" in words
    assert re.fullmatch(r"FROM \S+@sha256:[0-9a-f]{64}", next(line for line in lines if line.startswith("FROM")))
    assert not any(re.match(r"USER\s+(root|0)\b", line) for line in lines)
    copied = [line.split() for line in lines if line.startswith("COPY")]
    sources = [source for line in copied for source in line[1:-1] if not source.startswith("--")]
    assert all((ROOT / source).exists() for source in sources)


def test_the_tracking_server_is_the_version_that_training_logs_with() -> None:
    image = (ROOT / "deploy" / "mlflow.Dockerfile").read_text(encoding="utf-8")
    pinned = (ROOT / "requirements" / "train.txt").read_text(encoding="utf-8")
    assert re.findall(r"mlflow==([\d.]+)", image) == re.findall(r"^mlflow==([\d.]+)", pinned, re.MULTILINE)


def test_compose_holds_its_services_with_nothing_to_write_to_and_no_password() -> None:
    (compose,) = documents("compose.yaml")
    services = compose["services"]
    assert set(services) == {"app", "service", "mlflow", "postgres"}
    for name in ("app", "service"):
        assert services[name]["read_only"]
        assert services[name]["cap_drop"] == ["ALL"]
    for name, service in services.items():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", [])), name
        build = service.get("build", {})
        assert isinstance(build, str) or not build or (ROOT / build["dockerfile"]).is_file()
        for variable, value in service.get("environment", {}).items():
            assert not variable.startswith(PREFIX) or variable in SETTINGS
            assert "PASSWORD" not in variable or "${POSTGRES_PASSWORD:?" in value
    assert int(services["service"]["stop_grace_period"].removesuffix("s")) > DRAIN_SECONDS
    mounted = [volume.partition(":")[0] for service in services.values() for volume in service.get("volumes", [])]
    assert set(mounted) == set(compose["volumes"])


def test_kubernetes_probes_ask_what_the_service_answers() -> None:
    deployment, service, scaler, budget = documents("deploy/kubernetes.yaml")
    assert [one["kind"] for one in (deployment, service, scaler, budget)] == [
        "Deployment", "Service", "HorizontalPodAutoscaler", "PodDisruptionBudget",
    ]  # fmt: skip
    template = deployment["spec"]["template"]
    (container,) = template["spec"]["containers"]
    labels = template["metadata"]["labels"]
    assert labels == deployment["spec"]["selector"]["matchLabels"] == service["spec"]["selector"]
    assert labels == budget["spec"]["selector"]["matchLabels"]
    assert scaler["spec"]["scaleTargetRef"]["name"] == deployment["metadata"]["name"]
    assert container["image"].endswith(f":{__version__}")
    named = {port["name"] for port in container["ports"]}
    assert {port["targetPort"] for port in service["spec"]["ports"]} <= named
    assert {variable["name"] for variable in container["env"]} <= SETTINGS
    assert template["spec"]["securityContext"]["runAsNonRoot"]
    assert container["securityContext"]["readOnlyRootFilesystem"]
    assert template["spec"]["terminationGracePeriodSeconds"] > DRAIN_SECONDS
    with TestClient(web_app(Settings(api_keys="a key"))) as client:
        for name in ("startupProbe", "readinessProbe", "livenessProbe"):
            probe = container[name]["httpGet"]
            assert probe["port"] in named
            assert client.get(probe["path"]).status_code == 200


def test_every_setting_is_documented_with_what_it_is_where_not_given() -> None:
    text = (ROOT / "docs" / "service.md").read_text(encoding="utf-8")
    for field in fields(Settings):
        shown = f"{field.default:,}" if isinstance(field.default, int) else ""
        assert re.search(rf"\| `{PREFIX}{field.name.upper()}` \| {shown} ?\|", text), field.name


def test_every_file_of_pins_is_audited_every_week_and_a_release_lists_its_parts() -> None:
    (audit,) = documents(".github/workflows/audit.yml")
    assert "schedule" in audit[True]  # YAML reads the key `on` as true
    pins = {
        str(path.relative_to(ROOT))
        for path in [*ROOT.glob("requirements/*.txt"), *ROOT.glob("src/**/requirements.txt")]
    }
    assert set(audit["jobs"]["audit"]["strategy"]["matrix"]["file"]) == pins
    assert "cyclonedx" in (ROOT / ".github" / "workflows" / "release.yml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("schema", "files"), [("compose-spec", ["compose.yaml"]), ("github-workflows", [".github/workflows/*.yml"])]
)
def test_files_are_what_their_own_schema_allows(schema: str, files: list[str]) -> None:
    found = [str(path) for pattern in files for path in ROOT.glob(pattern)]
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}", *found]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert found
    assert done.returncode == 0, done.stdout + done.stderr


def test_manifests_are_what_kubernetes_takes() -> None:
    validate = pytest.importorskip("kubernetes_validate").validate
    for document in documents("deploy/kubernetes.yaml"):
        validate(document, "1.31", strict=True)
