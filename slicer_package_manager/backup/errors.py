"""Why a backup cannot be made or used."""


class BackupError(Exception):
    """A backup cannot be made, found or restored; the message names the fact and the remedy."""


class DamagedError(BackupError):
    """A backup is not what it was when it was made; ``problems`` names everything that is wrong."""

    def __init__(self, problems) -> None:
        self.problems = list(problems)
        super().__init__('The backup is damaged:\n  ' + '\n  '.join(self.problems))
