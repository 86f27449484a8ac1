"""The papers agree with the code."""

import configparser
import re
from pathlib import Path

import pytest
import yaml
from django.conf import settings

HOUSE = Path(settings.BASE_DIR)
APPS = sorted(path.parent.name for path in HOUSE.glob("*/apps.py"))


def test_every_setting_from_the_environment_is_explained_in_the_example():
    read = set(re.findall(r"""env(?:\.\w+)?\(\s*["'](\w+)["']""", (HOUSE / "config" / "settings.py").read_text()))
    explained = set(re.findall(r"^#?([A-Z_]+)=", (HOUSE / ".env.example").read_text(), re.MULTILINE))
    assert read - explained == set()
    assert explained - read == {"POSTGRES_PASSWORD", "PORT"}, "explained, but nobody reads it"


def test_every_app_stands_on_a_floor():
    contracts = configparser.ConfigParser()
    contracts.read(HOUSE / ".importlinter")
    assert sorted(contracts["importlinter"]["root_packages"].split()) == APPS
    assert sorted(contracts["importlinter:contract:floors"]["layers"].split()) == APPS


@pytest.mark.parametrize("app", APPS)
def test_every_app_says_what_it_owns(app: str):
    page = (HOUSE / app / "README.md").read_text()
    assert {"Owns", "Publishes", "Never"} <= set(re.findall(r"^\*\*(\w+)", page, re.MULTILINE))


@pytest.mark.parametrize("page", sorted([*HOUSE.glob("*.md"), *HOUSE.glob("docs/**/*.md"), *HOUSE.glob("*/README.md")]))
def test_links_between_pages_lead_somewhere(page: Path):
    links = re.findall(r"\]\(((?!https?:|#)[^)#\s]+)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_every_decision_is_listed():
    records = {path.name for path in (HOUSE / "docs" / "decisions").glob("0*.md")}
    assert records == set(re.findall(r"\((0[\w-]+\.md)\)", (HOUSE / "docs" / "decisions" / "README.md").read_text()))


def test_the_compose_file_passes_on_settings_that_exist():
    compose = yaml.safe_load((HOUSE / "docker-compose.yml").read_text())
    read = set(re.findall(r"""env(?:\.\w+)?\(\s*["'](\w+)["']""", (HOUSE / "config" / "settings.py").read_text()))
    for name in ("migrate", "web", "worker", "beat"):
        assert set(compose["services"][name]["environment"]) - read == set()


def test_every_part_of_the_compose_file_waits_for_what_it_needs_and_tells_whether_it_works():
    services = yaml.safe_load((HOUSE / "docker-compose.yml").read_text())["services"]
    assert set(services) == {"migrate", "web", "worker", "beat", "db", "redis"}
    for name in ("web", "worker", "beat"):
        assert services[name]["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}
    assert [name for name, part in services.items() if "healthcheck" not in part] == ["migrate"]
