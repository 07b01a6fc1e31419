"""What the user chose on other pages than Teach: a project keeps it, by the keys of the widgets."""

from __future__ import annotations

from contextlib import suppress

import msgspec

from zoo.app.services.project import Project
from zoo.app.services.project_record import MAX_SETTINGS, Setting, SettingName
from zoo.core.errors import ZooError

FOLDER = "project:"  # in the place of the folder of the project, which names of its networks begin with


def setting_of(project: Project, key: str) -> Setting | None:
    """Return what the user chose last in a widget; None if the project has no choice."""
    with suppress(ZooError):  # of a damaged project; the page Teach shows why
        match project.record.settings.get(portable(project, key)):
            case str() as text:
                return local(project, text)
            case list() as texts:
                return [local(project, text) for text in texts]
            case value:
                return value
    return None


def keep_setting(project: Project, key: str, value: object) -> None:
    """Keep what the user chose in a widget if JSON can hold it; the oldest choice goes for the last one."""
    with suppress(ZooError, msgspec.ValidationError):
        key, setting = msgspec.convert(
            (portable(project, key), _plain(project, value)), tuple[SettingName, Setting]
        )
        with project.changing() as record:
            record.settings.pop(key, None)
            record.settings[key] = setting
            if len(record.settings) > MAX_SETTINGS:
                del record.settings[next(iter(record.settings))]


def _plain(project: Project, value: object) -> object:
    if isinstance(value, list | tuple):
        return [_plain(project, one) for one in value]
    return portable(project, value) if isinstance(value, str) else value


def portable(project: Project, text: str) -> str:
    """Return a text, such as the name of a network of the project, without the folder of the project."""
    return text.replace(f"{project.folder}/", FOLDER)


def local(project: Project, text: str) -> str:
    """Return the text of which `portable` made another one."""
    return text.replace(FOLDER, f"{project.folder}/")
