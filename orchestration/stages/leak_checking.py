"""check: is a canary anywhere behind the stage? A find marks its day, so that the gate withholds it from then on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from governance.keys import Keyring
from governance.privacy import PrivacyPolicy
from governance.privacy.canaries import Canaries
from orchestration.lake import Lake
from orchestration.leaks.marks import is_withheld, lift, mark
from orchestration.leaks.scanning import Find, Scan, scan
from orchestration.settings import Home

# What is about to be published; and what readers have.
TO_BE_READ, READ = ("warehouse/",), ("warehouse/", "published/", "reports/")
_SHOWN = 20


@dataclass(frozen=True)
class LeakCheck:
    """What looking for canaries came to.

    Attributes:
        urgent: the finds of days that the gate still lets in, and those in what readers get.
        lifted: the days (`<source>/<signal>/<day>`) whose marks were lifted.
    """

    scan: Scan
    urgent: tuple[Find, ...]
    lifted: tuple[str, ...] = ()

    @property
    def told(self) -> str:
        """The finds, by file, day and entity."""
        finds = self.scan.finds
        more = f" and {len(finds) - _SHOWN} more" if len(finds) > _SHOWN else ""
        return "; ".join(map(str, finds[:_SHOWN])) + more


def check_leaks(
    lake: Lake,
    deployment: Home,
    policy: PrivacyPolicy,
    keys: Keyring,
    as_of: datetime,
    *,
    read: tuple[str, ...] = READ,
    everything: bool = False,
    is_lifting: bool = False,
) -> LeakCheck:
    """Look for every canary of the deployment in every file behind `anonymize`, and mark the days of those found.

    Args:
        read: the folders of the deployment in which a find is urgent, whatever has become of its day.
        everything: also in files that were clean and have not changed since.
        is_lifting: lift the marks of days of which nothing is found any more.
    """
    done = scan(deployment, Canaries(policy, keys), everything=everything)
    mark(lake, done.finds, as_of)
    urgent = [
        find for find in done.finds if find.file.startswith(read) or not is_withheld(lake, find.dataset, find.day)
    ]
    return LeakCheck(done, tuple(urgent), tuple(lift(lake, done.finds)) if is_lifting else ())
