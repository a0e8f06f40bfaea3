"""Commits by the Git Data API: blobs, a tree, a commit, and the update of a branch.

1. The files of the branch are listed with their checksums, which are those of Git: only what differs is sent.
2. A blob is created for each file, then a tree on top of that of the branch, then the commit.
3. The branch is updated. If it has got another commit meanwhile, the steps are repeated on top of that one; blobs are
   sent once only.

A process that is killed has changed the branch or not; blobs without a commit are removed by GitHub.
"""
from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from typing import Any, NamedTuple

from slicer_package_manager.logs.errors import LogsError
from slicer_package_manager.logs.github.api import GitHub, RefusedError
from slicer_package_manager.progress import Steps

_MISSING, _CONFLICT, _UNPROCESSABLE = 404, 409, 422
_ATTEMPTS = 5


class Head(NamedTuple):
    """The state of a branch.

    :param files: the checksum of each file, by its path.
    """

    commit: str
    tree: str
    files: dict[str, str]

    def has(self, path: str, content: bytes) -> bool:
        """Whether the file ``path`` has this content."""
        return self.files.get(path) == checksum(content)


class Branch:
    """The branch ``name`` of a repository.

    :param readme: what an empty repository gets as its first file.
    """

    def __init__(self, github: GitHub, name: str, readme: str) -> None:
        self._github, self._name, self._readme = github, name, readme
        self._sent: set[str] = set()

    def head(self, *, create: bool = True) -> Head | None:
        """Return the state of the branch.

        :param create: whether an empty repository gets its first commit; ``None`` is returned otherwise.
        :raises LogsError: there is no such branch, or it has too many files.
        """
        try:
            ref = self._github.get(f'/git/ref/heads/{self._name}')
        except RefusedError as error:
            if error.status not in (_MISSING, _CONFLICT):
                raise
            if not self._is_empty():
                raise
            return self._first() if create else None
        return self._state(ref['object']['sha'])

    def _is_empty(self) -> bool:
        try:
            return not self._github.get('/commits', per_page=1)
        except RefusedError as error:
            if error.status != _CONFLICT:
                raise
            return True

    def _first(self) -> Head:
        """Create the first commit, for which the Git Data API requires another one."""
        body = {'message': 'Describe the statistics', 'branch': self._name,
                'content': base64.b64encode(self._readme.encode()).decode()}
        try:
            made = self._github.send('PUT', '/contents/README.md', json=body)
        except RefusedError as error:
            if error.status not in (_CONFLICT, _UNPROCESSABLE):
                raise
            return self._state(self._github.get(f'/git/ref/heads/{self._name}')['object']['sha'])  # it exists now
        return self._state(made['commit']['sha'])

    def _state(self, commit: str) -> Head:
        tree = self._github.get(f'/git/commits/{commit}')['tree']['sha']
        found = self._github.get(f'/git/trees/{tree}', recursive=1)
        if found.get('truncated'):
            raise LogsError(f'{self._github.repository} has more files than GitHub lists at once. Begin a new '
                            'repository for the statistics.')
        return Head(commit, tree, {one['path']: one['sha'] for one in found['tree'] if one['type'] == 'blob'})

    def commit(self, files: Mapping[str, bytes], message: str, head: Head, steps: Steps) -> Head:
        """Commit ``files``, contents by path, on top of ``head`` or what follows it; return the new state.

        :raises LogsError: GitHub has received other bytes, or refuses the commit.
        """
        for _ in range(_ATTEMPTS):
            changed = {path: content for path, content in files.items() if not head.has(path, content)}
            tree = self._tree(changed, head, steps)
            if tree == head.tree:
                return head
            made = self._github.send('POST', '/git/commits', json={
                'message': message, 'tree': tree, 'parents': [head.commit]})['sha']
            if self._advance(made):
                return Head(made, tree, {**head.files, **{path: checksum(one) for path, one in files.items()}})
            head = self._state(self._github.get(f'/git/ref/heads/{self._name}')['object']['sha'])
        raise LogsError(f'The branch {self._name} of {self._github.repository} gets other commits all the time. Run '
                        'the command again when no other process writes to it.')

    def _tree(self, files: Mapping[str, bytes], head: Head, steps: Steps) -> str:
        if not files:
            return head.tree
        with steps('Sending files', len(files), False) as advance:
            entries = []
            for path, content in sorted(files.items()):
                entries.append({'path': path, 'mode': '100644', 'type': 'blob', 'sha': self._blob(path, content)})
                advance(1)
        made: str = self._github.send('POST', '/git/trees', json={'base_tree': head.tree, 'tree': entries})['sha']
        return made

    def _blob(self, path: str, content: bytes) -> str:
        wanted = checksum(content)
        if wanted not in self._sent:
            sent = self._github.send('POST', '/git/blobs', json={
                'content': base64.b64encode(content).decode(), 'encoding': 'base64'})['sha']
            if sent != wanted:
                raise LogsError(f'GitHub has received other bytes of {path} (checksum {sent} instead of {wanted}). '
                                'Run the command again.')
            self._sent.add(wanted)
        return wanted

    def _advance(self, commit: str) -> bool:
        """Update the branch to ``commit``; return whether nothing else was added to it meanwhile."""
        try:
            self._github.send('PATCH', f'/git/refs/heads/{self._name}', json={'sha': commit, 'force': False})
        except RefusedError as error:
            if error.status == _UNPROCESSABLE and 'fast forward' in str(error).lower().replace('-', ' '):
                return False
            raise
        return True


def checksum(content: bytes) -> str:
    """Return the checksum by which Git names a file with ``content``."""
    return hashlib.sha1(b'blob %d\0' % len(content) + content, usedforsecurity=False).hexdigest()


def repository(github: GitHub) -> dict[str, Any]:
    """Return what GitHub states about the repository: ``visibility``, ``default_branch`` and more."""
    return dict(github.get(''))
