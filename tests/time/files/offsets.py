#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Prints offsets.txt, which is checked in: Python's reading of the time zone database for coffer's to be compared with.

Each line is a zone, an instant in Unix time and the offset from UTC in seconds: around changes, and between them. Only of
1970 to 2024: what lies ahead changes with every release of the database.
"""

import random
from datetime import datetime, timezone
from zoneinfo import ZoneInfo

ZONES = """Africa/Cairo Africa/Casablanca America/Anchorage America/Argentina/Buenos_Aires America/Caracas America/New_York
America/Los_Angeles America/Santiago America/Sao_Paulo America/St_Johns Antarctica/Troll Asia/Amman Asia/Beirut Asia/Calcutta
Asia/Gaza Asia/Kathmandu Asia/Kolkata Asia/Pyongyang Asia/Shanghai Asia/Singapore Asia/Tehran Asia/Tokyo Atlantic/Azores
Australia/Adelaide Australia/Eucla Australia/Lord_Howe Australia/Sydney Etc/GMT+12 Etc/GMT-14 Europe/Berlin Europe/Dublin
Europe/Istanbul Europe/Lisbon Europe/London Europe/Moscow Pacific/Apia Pacific/Auckland Pacific/Chatham Pacific/Kiritimati
Pacific/Kwajalein Pacific/Marquesas""".split()
LAST = int(datetime(2025, 1, 1, tzinfo=timezone.utc).timestamp())


def offset(zone, instant):
    return int(datetime.fromtimestamp(instant, tz=zone).utcoffset().total_seconds())


def changes(zone):
    """Instants at which the offset is another than a second before."""
    step = 6 * 3600
    for start in range(0, LAST - step, step):
        low, high = start, start + step
        if offset(zone, low) == offset(zone, high):
            continue
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if offset(zone, middle) == offset(zone, low) else (low, middle)
        yield high


random.seed(1970)
for name in ZONES:
    zone = ZoneInfo(name)
    found = list(changes(zone))
    instants = {random.randrange(LAST) for _ in range(6)}
    for change in random.sample(found, min(12, len(found))):
        instants |= {change - 1, change}
    for instant in sorted(instants):
        print(name, instant, offset(zone, instant))
