"""Writing the head of the chain down outside of the database.

A superuser of the database can rebuild the whole chain. What proves that nobody did is a head that somebody else
keeps: a line in a file on other storage, a notice to a service, a commit in a git repository. The head is first
written there, and only then does the trail note where.
"""

import json
import os
import subprocess
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from qms_mcp.auth.principal import Principal
from qms_mcp.db.queries import query
from qms_mcp.errors import ConflictError, InvalidInputError, UnavailableError
from qms_mcp.services.trail.chain import Anchor

if TYPE_CHECKING:
    from qms_mcp.db.database import Database

_HEAD = query("trail.head")
_ORGANIZATION = query("trail.organization")
_NOTE_ANCHOR = query("trail.note_anchor")
_NOTE = query("trail.note")
_WHY = "the head of the audit trail is written down outside of the database"
_SECONDS = 20.0
_FIRST_ERROR = 400


class Place(Protocol):
    """Somewhere outside."""

    name: str

    async def keep(self, anchor: Anchor) -> None:
        """Write a head down.

        Raises:
            UnavailableError: It could not be written there.
        """


class FilePlace:
    """A file to which lines are appended, each on disk before it counts."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.name = str(path.absolute())

    async def keep(self, anchor: Anchor) -> None:
        """Append a line and wait until the disk has it."""
        try:
            descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
            try:
                os.write(descriptor, (anchor.line() + "\n").encode())
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise UnavailableError(f"{self._path} can't be written: {error.strerror}.") from None


class UrlPlace:
    """A service that takes the line as the body of a POST."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme != "https" and not (parts.scheme == "http" and _is_loopback(parts.hostname or "")):
            raise InvalidInputError(
                "A head is sent over https, or to this machine itself.", hint="Give an https:// address."
            )
        self._url = url
        # What an address may carry to get in is nobody's business who reads the trail.
        self.name = f"{parts.scheme}://{parts.hostname}{f':{parts.port}' if parts.port else ''}{parts.path}"

    async def keep(self, anchor: Anchor) -> None:
        """Post the line; anything but a success counts as not written."""
        import httpx2  # noqa: PLC0415 - only when somebody anchors to a service

        headers = {"content-type": "application/json"}
        try:
            async with httpx2.AsyncClient(timeout=_SECONDS, follow_redirects=False) as client:
                answer = await client.post(self._url, content=anchor.line().encode(), headers=headers)
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
            raise UnavailableError(f"{self.name} can't be reached ({type(error).__name__}).") from None
        if not answer.is_success:
            raise UnavailableError(f"{self.name} did not take it: status {answer.status_code}.")


class GitPlace:
    """A git repository; each head is a commit of its own."""

    _FILE = "qms-audit-anchors.jsonl"

    def __init__(self, repository: Path) -> None:
        if not (repository / ".git").exists():
            raise InvalidInputError(f"{repository} is no git repository.", hint="Make one: git init.")
        self._repository = repository
        self.name = f"git:{repository.absolute()}/{self._FILE}"

    async def keep(self, anchor: Anchor) -> None:
        """Append the line to the file of anchors and commit it."""
        await FilePlace(self._repository / self._FILE).keep(anchor)
        self._git("add", "--", self._FILE)
        message = f"Audit trail of {anchor.organization}: entry {anchor.seq} is {anchor.row_hash}"
        self._git("commit", "--quiet", "--no-verify", "--message", message, "--", self._FILE)

    def _git(self, *arguments: str) -> None:
        identity = ("-c", "user.name=qms-mcp", "-c", "user.email=qms-mcp@localhost", "-c", "core.hooksPath=/dev/null")
        command = ["git", *identity, *arguments]
        try:
            done = subprocess.run(  # noqa: S603 - fixed words and numbers of our own
                command, cwd=self._repository, capture_output=True, text=True, timeout=_SECONDS, check=False
            )
        except (OSError, subprocess.TimeoutExpired):
            raise UnavailableError("git can't be run here.") from None
        if done.returncode != 0:
            raise UnavailableError(f"git {arguments[0]} failed: {done.stderr.strip()[:300]}")


def place_of(target: str) -> Place:
    """Return the place somebody named: a URL, `git:DIRECTORY`, or a file.

    Raises:
        InvalidInputError: It can't be one.
    """
    if target.startswith("git:"):
        return GitPlace(Path(target.removeprefix("git:")))
    if "://" in target:
        return UrlPlace(target)
    return FilePlace(Path(target))


async def anchor_to(database: "Database", principal: Principal, place: Place) -> Anchor:
    """Write the head down at a place, and note in the database where.

    Raises:
        ConflictError: There is no entry yet.
        UnavailableError: The place can't be written; nothing is noted.
    """
    async with database.transaction(principal, read_only=True) as transaction:
        heads = await transaction.fetch_dicts(_HEAD)
        owner = (await transaction.fetch_dicts(_ORGANIZATION))[0]
    if not heads or heads[0]["seq"] == 0:
        raise ConflictError("The trail is empty: there is nothing to write down.")
    anchor = Anchor(str(owner["id"]), heads[0]["seq"], heads[0]["row_hash"], f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}")
    await place.keep(anchor)
    async with database.transaction(principal, because=_WHY) as transaction:
        await transaction.execute(_NOTE_ANCHOR, {"place": place.name, "seq": anchor.seq})
        details = json.dumps({"seq": anchor.seq, "row_hash": anchor.row_hash, "place": place.name})
        await transaction.execute(
            _NOTE, {"entity_type": "qms.audit_anchors", "entity_id": None, "action": "anchored", "details": details}
        )
    return anchor


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
