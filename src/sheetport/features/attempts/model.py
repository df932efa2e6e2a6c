"""What failures are counted by, and how many are borne."""

from __future__ import annotations

from dataclasses import dataclass

from sheetport.kernel.clock import HOUR, MINUTE


@dataclass(frozen=True, slots=True)
class Bound:
    """At most ``failures`` within ``window`` milliseconds of the first."""

    failures: int
    window: int


@dataclass(frozen=True, slots=True)
class Subject:
    """A counter: ``name`` says what is counted, without telling whom."""

    name: str
    bound: Bound


#: Of one account from one network: whoever guesses is stopped here, and others of the account are not.
FROM_NETWORK = Bound(10, 15 * MINUTE)
#: Of one account from everywhere but its known devices.
FROM_ANYWHERE = Bound(100, HOUR)
#: Of one network, whatever the accounts.
OF_NETWORK = Bound(100, 15 * MINUTE)
#: Of one known device, which the two bounds of the account do not hold.
OF_DEVICE = Bound(20, 15 * MINUTE)
#: Of the second step of one user, by whoever knows the password.
OF_CODE = Bound(5, 15 * MINUTE)
#: Codes that a program shows and one user enters wrong.
OF_USER_CODE = Bound(10, 15 * MINUTE)
#: Reset links asked for by or for one address, or by one network.
OF_RESETS = Bound(5, HOUR)
